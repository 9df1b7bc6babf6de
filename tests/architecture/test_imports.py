"""Who may import whom: downwards only. The table is the one of the architecture, with a row for every part."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, modules, nodes

ALL = frozenset({"*"})

MAY_IMPORT: dict[str, frozenset[str]] = {
    # The ground: anything of ours is above it.
    "errors": frozenset(),
    "clock": frozenset(),
    "ids": frozenset(),
    "memory": frozenset(),
    "priority": frozenset(),
    "syncing": frozenset(),
    "ending": frozenset(),
    "logs": frozenset(),
    "media_loop": frozenset(),
    # Facts and words.
    "toml_document": frozenset({"errors"}),
    "sentence_shape": frozenset(),
    "messages": frozenset({"errors", "sentence_shape"}),
    "command_words": frozenset({"errors", "messages"}),
    "bind_address": frozenset({"toml_document"}),
    "alert_settings": frozenset({"bind_address", "toml_document"}),
    "mqtt_settings": frozenset({"toml_document"}),
    "outside_settings": frozenset({"toml_document"}),
    "replication_settings": frozenset({"toml_document"}),
    "webhook_settings": frozenset({"toml_document"}),
    "settings": frozenset(
        {
            "alert_settings",
            "bind_address",
            "errors",
            "mqtt_settings",
            "outside_settings",
            "replication_settings",
            "toml_document",
            "webhook_settings",
        }
    ),
    "event": frozenset(),
    "call_events": frozenset({"event"}),
    "staff_events": frozenset({"event"}),
    "events": frozenset({"errors", "clock", "event", "call_events", "staff_events"}),
    "jobs": frozenset({"errors", "clock", "ids"}),
    # Sound, then what a call is, then the two wires, then what a call does.
    "audio": frozenset({"errors", "syncing"}),
    "telephony": frozenset({"errors", "clock", "ids", "events", "audio"}),
    "modem": frozenset({"errors", "clock", "media_loop", "ids", "events", "settings", "audio", "telephony"}),
    "sip": frozenset({"errors", "clock", "media_loop", "ids", "events", "settings", "audio", "telephony"}),
    "flows": frozenset({"errors", "jobs", "telephony"}),
    "messaging": frozenset({"errors", "clock", "ids", "events", "jobs", "messages", "telephony"}),
    "store": frozenset({"errors", "clock", "ids", "events", "jobs", "telephony", "toml_document"}),
    "provisioning": frozenset({"errors", "telephony"}),
    "api": frozenset({"errors", "clock", "ids", "events", "messages", "telephony", "store.queries"}),
    "health": frozenset({"errors", "clock", "events"}),
    "safe_mode": frozenset({"events"}),
    "boot_clock": frozenset({"clock", "events", "safe_mode"}),
    "loop_load": frozenset({"events"}),
    "backup": frozenset({"errors", "clock", "events", "settings", "store", "syncing"}),
    "announce": frozenset({"sip"}),
    "alert_ways": frozenset(
        {"alert_settings", "bind_address", "errors", "clock", "settings", "telephony", "messaging", "api"}
    ),
    "event_hooks": frozenset(
        {"api", "clock", "errors", "events", "jobs", "messaging", "store", "telephony", "webhook_settings"}
    ),
    "recordings_start": frozenset({"audio", "clock", "events", "store", "telephony"}),
    "queue_start": frozenset({"api", "clock", "events", "store", "telephony"}),
    "watches": frozenset({"api", "backup", "boot_clock", "clock", "events", "mqtt_way", "settings", "sip", "store"}),
    "emulated_modems": frozenset({"api", "errors", "events", "settings", "telephony"}),
    "mqtt_way": frozenset({"errors", "events", "messaging", "mqtt_settings"}),
    # The fake world: not a line in common with what it tests.
    "emulator": frozenset(),
    # What puts it all together; `daemon` itself is imported by the command line alone (below).
    "daemon": ALL,
    "worker": ALL,
    "doctor": ALL,
    "support": frozenset({"errors", "clock", "messages", "settings", "store", "doctor", "__init__"}),
    "demo": ALL,
    "cli": ALL,
    "__main__": ALL,
    "__init__": frozenset(),
}

MAY_IMPORT_FROM_OTHERS: dict[str, frozenset[str]] = {
    "audio": frozenset({"numpy", "G722", "audioop"}),
    "telephony": frozenset({"holidays", "numpy", "phonenumbers"}),
    "messaging": frozenset({"aiohttp", "aiomqtt", "yarl"}),
    "modem": frozenset({"numpy", "serial"}),
    "sip": frozenset({"OpenSSL", "cryptography", "dns", "numpy", "pylibsrtp"}),
    "store": frozenset(
        {
            "alembic",
            "argon2",
            "icalendar",
            "phonenumbers",
            "pyotp",
            "recurring_ical_events",
            "sqlalchemy",
            "tomli",
            "tomli_w",
        }
    ),
    "api": frozenset({"aiohttp", "argon2"}),
    "backup": frozenset({"cryptography"}),
    "toml_document": frozenset({"tomli"}),
    "settings": frozenset({"tomli"}),
    "daemon": frozenset({"aiohttp", "numpy"}),
    "worker": frozenset({"aiohttp", "cryptography", "numpy", "obstore", "soundfile", "sqlalchemy", "vobject"}),
    "doctor": frozenset({"aiohttp", "cryptography", "numpy", "serial", "sqlalchemy"}),
    "support": frozenset({"sqlalchemy"}),
    "demo": frozenset({"aiohttp", "numpy", "tomli"}),
}

WEB_MAY_IMPORT = frozenset(
    {"babel", "flask", "flask_babel", "flask_wtf", "gunicorn", "jinja2", "markupsafe", "werkzeug", "wtforms"}
    | {"phonenumbers", "segno"}
)

NEVER_IN_AUDIO = frozenset({"asyncio", "socket", "socketserver", "select", "selectors", "ssl"})

ONLY_THESE_IMPORT_THE_PANEL = frozenset({"cli", "__main__"})
ONLY_THESE_IMPORT_THE_DAEMON = frozenset({"cli", "__main__"})
ONLY_THESE_IMPORT_THE_EMULATOR = frozenset({"demo", "emulator", "cli", "__main__"})


def part_of(module: str) -> str:
    """The row of the table that a module of ours belongs to."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "__init__"


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Line and absolute dotted name of every import in a file, wherever it stands."""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    for node in nodes(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module.split(".") if node.module else [])])
            # `from gateway import settings` names a module, not a word inside of one.
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def _is_allowed(target: str, allowed: frozenset[str]) -> bool:
    inside = target.split(".", 1)[1] if "." in target else ""
    return any(inside == name or inside.startswith(f"{name}.") for name in allowed)


def _fault(part: str, target: str) -> str | None:
    """What is wrong with an import of `target`, a module of ours, by `part`; None: nothing."""
    if target.startswith("web."):
        return None if part in ONLY_THESE_IMPORT_THE_PANEL else "imports the panel"
    other = part_of(target)
    if other == part:
        return None
    if other == "daemon" and part not in ONLY_THESE_IMPORT_THE_DAEMON:
        return "imports the daemon, which only the command line may"
    if other == "emulator" and part not in ONLY_THESE_IMPORT_THE_EMULATOR:
        return "imports the emulator, which only the demo may"
    if MAY_IMPORT[part] == ALL or _is_allowed(target, MAY_IMPORT[part]):
        return None
    return f"imports {target}"


def test_every_part_has_a_row() -> None:
    assert {part_of(module.name) for module in modules("gateway")} <= set(MAY_IMPORT)


def test_imports_go_downwards() -> None:
    wrong = [
        f"{module.path}:{line} {fault}"
        for module in modules("gateway")
        for line, target in imported(module)
        if target.startswith(("gateway.", "web.")) and target != "gateway.__version__"
        if (fault := _fault(part_of(module.name), target))
    ]
    assert not wrong, "\n".join(wrong)


def test_each_part_has_only_the_libraries_it_is_granted() -> None:
    wrong = [
        f"{module.path}:{line} imports {target}"
        for module in modules("gateway")
        for line, target in imported(module)
        if (top := target.partition(".")[0]) not in sys.stdlib_module_names
        if top not in MAY_IMPORT_FROM_OTHERS.get(part_of(module.name), frozenset()) | {"gateway", "web"}
    ]
    assert not wrong, "\n".join(wrong)


def test_audio_knows_no_loop_and_no_socket() -> None:
    wrong = [
        f"{module.path}:{line} imports {target}"
        for module in modules("gateway/audio")
        for line, target in imported(module)
        if target.partition(".")[0] in NEVER_IN_AUDIO
    ]
    assert not wrong, "\n".join(wrong)


def test_the_panel_knows_the_daemon_by_its_api_only() -> None:
    wrong = [
        f"{module.path}:{line} imports {target}"
        for module in modules("web")
        for line, target in imported(module)
        if (top := target.partition(".")[0]) not in sys.stdlib_module_names and top not in WEB_MAY_IMPORT | {"web"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("part", "target", "fault"),
    [
        ("audio", "gateway.errors.GatewayError", None),
        ("audio", "gateway.telephony.leg.Leg", "imports gateway.telephony.leg.Leg"),
        ("sip", "gateway.modem.at", "imports gateway.modem.at"),
        ("api", "gateway.store.queries.calls", None),
        ("api", "gateway.store.schema", "imports gateway.store.schema"),
        ("demo", "gateway.emulator.modem", None),
        ("daemon", "gateway.emulator.modem", "imports the emulator, which only the demo may"),
        ("worker", "gateway.daemon", "imports the daemon, which only the command line may"),
        ("cli", "gateway.daemon", None),
        ("api", "web.app", "imports the panel"),
    ],
)
def test_the_rule_itself(part: str, target: str, fault: str | None) -> None:
    assert _fault(part, target) == fault


def test_the_table_has_no_row_that_points_nowhere() -> None:
    named = {name.partition(".")[0] for allowed in MAY_IMPORT.values() for name in allowed if name != "*"}
    assert named <= set(MAY_IMPORT)
    assert set(MAY_IMPORT_FROM_OTHERS) <= set(MAY_IMPORT)


def test_the_table_has_no_circle() -> None:
    below = {
        part: {name.partition(".")[0] for name in allowed} if allowed != ALL else set()
        for part, allowed in MAY_IMPORT.items()
    }
    while below:
        ground = [part for part, allowed in below.items() if not allowed & below.keys()]
        assert ground, f"these import each other in a circle: {sorted(below)}"
        for part in ground:
            del below[part]
