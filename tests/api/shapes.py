"""Checks a JSON value against a schema of openapi.json: the few keywords that the contract uses."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.api.contract import contract

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
    "array": (list,), "object": (dict,),
}  # fmt: skip


def assert_fits(value: Any, name: str) -> None:
    """Fails where `value` is not as the named schema of the contract says; unknown keys fail too."""
    _assert_fits(value, contract()["components"]["schemas"][name], "$")


def assert_fits_schema(value: Any, schema: dict[str, Any]) -> None:
    """The same for a schema that stands in its place in the contract."""
    _assert_fits(value, schema, "$")


def _assert_fits(value: Any, schema: dict[str, Any], where: str) -> None:
    if "$ref" in schema:
        schema = contract()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "allOf" in schema:
        merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            resolved = contract()["components"]["schemas"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            merged["properties"] |= resolved["properties"]
            merged["required"] += resolved["required"]
        schema = merged
    if "const" in schema:
        assert value == schema["const"], where
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "type" not in schema:
        return
    names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    allowed = tuple(kind for name in names for kind in _TYPES[name])
    assert isinstance(value, allowed), f"{where}: {value!r} is not {names}"
    assert not isinstance(value, bool) or bool in allowed, f"{where}: {value!r} is not {names}"
    if schema.get("format") == "date-time" and isinstance(value, str):
        assert value.endswith("Z"), where
        assert datetime.fromisoformat(value).tzinfo is not None, where
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= value.keys(), f"{where}: {set(schema['required']) - value.keys()} missing"
        assert value.keys() <= schema["properties"].keys(), f"{where}: {value.keys() - schema['properties'].keys()}"
        for name, each in value.items():
            _assert_fits(each, schema["properties"][name], f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for place, each in enumerate(value):
            _assert_fits(each, schema["items"], f"{where}[{place}]")
