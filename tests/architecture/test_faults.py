"""Faults and tasks: who may catch everything, who may start a task, and what every error class must have."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator

import pytest

from gateway.errors import GatewayError
from tests.architecture.source import Module, modules, nodes, placed_nodes

MAY_CATCH_EVERYTHING: dict[str, str] = {
    # "file: function" -> why a fault that nobody foresaw must stop there (rule 4).
    "gateway/events.py: EventBus.publish": "a watcher must not hurt what it watches",
    "gateway/api/problems.py: _problems": "a request must not hurt the daemon",
    "gateway/media_loop.py: _MediaSelector._serve_deadlines": "a fault of one voice must not end the others",
    "gateway/media_loop.py: _MediaSelector._serve_arrivals": "a fault of one voice must not end the others",
    "gateway/telephony/switchboard.py: Switchboard._serve": "a fault in one call must not end the others",
    "gateway/modem/supervisor.py: ModemSupervisor._serve": "a fault of ours must not cost the line",
    "gateway/modem/fleet.py: ModemFleet._watch": "a device that nobody foresaw must not cost the other modems",
    "gateway/jobs.py: JobRunner._attempt": "one job must not end the others; it is tried again",
    "gateway/store/writer.py: Writer._write_batch": "the fault of one piece of work is raised at its owner",
    "gateway/store/writer.py: Writer._write_alone": "the fault of one piece of work is raised at its owner",
    "gateway/store/writer.py: Writer._watch": "a look at the other process's commits must not end the only writer",
}

MAY_START_A_TASK: dict[str, str] = {
    # "file: function" -> who cancels the task (rule 6). Tasks of a TaskGroup need no entry.
    "gateway/demo/processes.py: Processes.one_ended": "cancelled in the same function's finally",
    "gateway/demo/run.py: _demo": "cancelled in the same function's finally",
    "gateway/emulator/__main__.py: serve": "cancelled in the same function's finally",
    "gateway/emulator/client_link.py: ControlLink.open": "ControlLink.close",
    "gateway/emulator/sip_phone.py: SipPhone._start_refreshing": "SipPhone._stop_refreshing",
    "gateway/messaging/order_desk.py: ShopOrderDesk.look_up": "ShopOrderDesk.__aexit__",
    "gateway/sip/server.py: SipServer._begin": "SipServer._close",
}


def _names(expression: ast.expr | None) -> set[str]:
    """The last names in an expression: {"CancelledError"} for asyncio.CancelledError, all of a tuple's."""
    if expression is None:
        return {"everything"}
    found = {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}
    return found | {node.attr for node in ast.walk(expression) if isinstance(node, ast.Attribute)}


def _caught(node: ast.AST) -> set[str]:
    """What an except clause, or a contextlib.suppress, stops; nothing where the clause ends with a bare raise."""
    if isinstance(node, ast.ExceptHandler):
        last = node.body[-1]
        passes_on = isinstance(last, ast.Raise) and last.exc is None
        return _names(node.type) & {"CancelledError"} if passes_on else _names(node.type)
    if isinstance(node, ast.Call) and _names(node.func) & {"suppress"}:
        return set().union(*(_names(argument) for argument in node.args))
    return set()


def _task_groups(module: Module) -> set[str]:
    """Names and attributes that are TaskGroups: made here, bound by `async with`, annotated, or assigned from one."""
    groups: set[str] = set()
    for node in nodes(module):
        if isinstance(node, ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None and "TaskGroup" in _names(item.context_expr):
                    groups |= _names(item.optional_vars)
        elif isinstance(node, ast.Assign) and "TaskGroup" in _names(node.value):
            groups |= set().union(*(_names(target) for target in node.targets)) - {"self"}
        elif isinstance(node, ast.arg) and node.annotation is not None and "TaskGroup" in _names(node.annotation):
            groups.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and "TaskGroup" in _names(node.annotation):
            groups |= _names(node.target) - {"self"}
    for node in nodes(module):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in groups:
            groups |= set().union(*(_names(target) for target in node.targets)) - {"self"}
    return groups


def _catching(what: set[str]) -> list[str]:
    """The places in the code that stop one of `what`, as "file: function (line)"."""
    return [
        f"{module.path}: {where} ({node.lineno})"
        for module in modules("gateway", "web")
        for where, node in placed_nodes(module)
        if isinstance(node, ast.ExceptHandler | ast.Call) and _caught(node) & what
    ]


def test_only_the_named_places_catch_everything() -> None:
    found = _catching({"everything", "Exception"})
    wrong = [place for place in found if place.partition(" (")[0] not in MAY_CATCH_EVERYTHING]
    assert not wrong, "\n".join(wrong)


def test_nobody_catches_a_cancellation() -> None:
    wrong = _catching({"CancelledError", "BaseException", "everything"})
    assert not wrong, "\n".join(wrong)


def _starts_a_task(node: ast.AST, groups: set[str]) -> bool:
    """Whether a node starts a task outside the TaskGroups of its file."""
    if not isinstance(node, ast.Call) or not _names(node.func) & {"create_task", "ensure_future"}:
        return False
    return not (isinstance(node.func, ast.Attribute) and _names(node.func.value) & groups)


def _task_starters(module: Module) -> list[str]:
    groups = _task_groups(module)
    return [f"{module.path}: {where}" for where, node in placed_nodes(module) if _starts_a_task(node, groups)]


def test_tasks_have_an_owner() -> None:
    starters = [place for module in modules("gateway", "web") for place in _task_starters(module)]
    wrong = [place for place in starters if place not in MAY_START_A_TASK]
    assert not wrong, "\n".join(wrong)


def test_the_lists_name_only_what_exists() -> None:
    catching = {place.partition(" (")[0] for place in _catching({"everything", "Exception"})}
    starting = {place for module in modules("gateway", "web") for place in _task_starters(module)}
    assert set(MAY_CATCH_EVERYTHING) <= catching
    assert set(MAY_START_A_TASK) <= starting


@pytest.mark.parametrize(
    ("source", "stopped"),
    [
        ("try:\n f()\nexcept:\n pass", {"everything"}),
        ("try:\n f()\nexcept Exception as e:\n log(e)", {"Exception"}),
        ("try:\n f()\nexcept (OSError, Exception):\n pass", {"OSError", "Exception"}),
        ("try:\n f()\nexcept BaseException:\n stop()\n raise", set()),
        ("try:\n f()\nexcept asyncio.CancelledError:\n raise", {"CancelledError"}),
        ("with contextlib.suppress(asyncio.CancelledError):\n f()", {"asyncio", "CancelledError"}),
    ],
)
def test_what_a_clause_is_seen_to_stop(source: str, stopped: set[str]) -> None:
    tree = ast.parse(source)
    assert set().union(*(_caught(node) for node in ast.walk(tree))) == stopped


@pytest.mark.parametrize(
    ("source", "starts"),
    [
        ("asyncio.create_task(f())", True),
        ("loop.create_task(f())", True),
        ("asyncio.ensure_future(f())", True),
        ("async def g():\n async with asyncio.TaskGroup() as group:\n  group.create_task(f())", False),
        ("def g(group: asyncio.TaskGroup):\n group.create_task(f())", False),
        ("self._tasks = asyncio.TaskGroup()\nself._tasks.create_task(f())", False),
        ("def g(self, group: asyncio.TaskGroup):\n self._tasks = group\n self._tasks.create_task(f())", False),
        ("self._tasks = asyncio.TaskGroup()\nself._loop.create_task(f())", True),
    ],
)
def test_what_is_seen_to_start_a_task(source: str, starts: bool) -> None:
    module = Module("made_up.py", "made_up", source, ast.parse(source))
    assert bool(_task_starters(module)) is starts


def _all_errors(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield root
    for each in root.__subclasses__():
        yield from _all_errors(each)


def test_every_error_class_has_a_code_of_its_own() -> None:
    for module in modules("gateway"):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    owners: dict[str, type[GatewayError]] = {}
    for error in _all_errors(GatewayError):
        if "code" not in vars(error):
            assert error.__subclasses__(), f"{error.__qualname__} has no code of its own and is no family of others"
            continue
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", error.code), f"{error.__qualname__}: {error.code!r}"
        assert owners.setdefault(error.code, error) is error, f"{error.code!r} is used twice"
