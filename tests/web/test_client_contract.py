"""Whatever the panel asks of the daemon is in the contract."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.fakes.gateway_thread import GatewayThread
from web.gateway_client import Asker, GatewayAway, GatewayClient, Refused

CLIENTS = sorted(Path("web").glob("*_client.py"))
"""The panel's client, and the parts of it that have files of their own."""
CONTRACT = json.loads((Path(__file__).parents[2] / "gateway" / "api" / "openapi.json").read_text("utf-8"))


def _asked() -> set[tuple[str, str]]:
    trees = [ast.parse(path.read_text("utf-8")) for path in CLIENTS]
    found = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            literals = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if node.func.attr in ("_ask", "_asking", "_object") and len(literals) >= 2:
                found.add((literals[0], literals[1]))
    return found


def test_every_call_of_the_client_is_an_operation_of_the_contract() -> None:
    operations = {(method.upper(), path) for path, item in CONTRACT["paths"].items() for method in item}
    asked = _asked()
    assert len(asked) >= 15
    assert asked <= operations


def test_no_path_of_the_api_is_written_anywhere_else() -> None:
    others = [path for path in Path("web").rglob("*.py") if path not in CLIENTS]
    assert [str(path) for path in others if "/api/v1" in path.read_text("utf-8")] == []


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "127.0.0.1:8090", "https://127.0.0.1:8090"])
def test_a_wrong_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="must be like"):
        GatewayClient(url)


def test_ids_cannot_leave_their_place_in_the_path(gateway: GatewayThread) -> None:
    session = GatewayClient(gateway.url).sign_in(Asker(), name="anna", password="three unlikely words")
    for hostile in ("../snapshot", "..%2fsnapshot", "x?limit=1", "x#y", "c1/../../sessions"):
        with pytest.raises(Refused) as refusal:
            GatewayClient(gateway.url).call(Asker(token=session["token"]), hostile)
        assert refusal.value.status == 404


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(GatewayAway):
        GatewayClient("http://127.0.0.1:1").setup_needed(Asker())
