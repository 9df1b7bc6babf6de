"""What every test gets: coroutine tests in virtual time (unless marked `real_time`), and a clean house after each."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import secrets
from collections.abc import Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from gateway.settings import Settings
from gateway.store import database
from tests.faults import rounds
from tests.hygiene import (
    call_passed,
    let_go,
    logs_can_be_formatted,
    nothing_left,
    refusals,
    run_seed,
    seed,
    seeded,
    this_machine_only,
)
from tests.tables import MadeOnce
from tests.turns import before_each_try, turn
from tests.virtual_time import RealLoop, VirtualLoop

__all__ = ["logs_can_be_formatted", "nothing_left", "refusals", "seed", "seeded", "this_machine_only"]

# A busy machine is no fault of the code: pytest-timeout bounds each test, not hypothesis each example. Each run has
# examples of its own, by its seed.
settings.register_profile("simbridge", max_examples=rounds(50, 2_000), deadline=None, print_blob=True)
settings.load_profile("simbridge")


_WAITS = ("interop", "browser", "real_time")
"""Marks of what waits more than it computes, in the order of the run."""


@pytest.fixture(autouse=True, scope="session")
def tables_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeOnce]:
    """How they are made is what tests/store/test_database.py is about; programs that a test starts make their own."""
    once = MadeOnce(database._migrate, tmp_path_factory.mktemp("tables") / "new.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "_migrate", once)
        yield once


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory, tables_made_once: MadeOnce) -> Path:
    """A data directory with a store that was just made; to be copied, not written to."""
    places = Settings(data_dir=tmp_path_factory.mktemp("new") / "data")
    database.prepare(places)
    return places.data_dir


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One seed for the whole run, from SIMBRIDGE_TEST_SEED or fresh; hypothesis takes the same."""
    config.stash[run_seed] = int(os.environ.get("SIMBRIDGE_TEST_SEED") or secrets.randbits(32))
    os.environ["SIMBRIDGE_TEST_SEED"] = str(config.stash[run_seed])  # the same for every worker of a parallel run
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = config.stash[run_seed]


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed: {config.stash[run_seed]} (repeat with SIMBRIDGE_TEST_SEED={config.stash[run_seed]})"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts other programs, and what is in real time at all, comes first: it waits more than it computes."""
    places = {item: _place_in_the_run(item) for item in items}
    items.sort(key=places.__getitem__)
    for item in items:
        if places[item] < len(_WAITS):
            # A machine that stands still for a moment fails what is measured in real time: such a test has two more
            # tries with the machine to itself, which the closing line of the run counts. What runs in virtual time has
            # none.
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=2))


class _Shares(LoadScopeScheduling):  # type: ignore[misc]  # it has no types of its own
    """In a parallel run a file stays together, and so do all that start other programs, which share ports, and all that
    look at the source, which is read once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/architecture/"):
            return "architecture"
        return "programs" if "interop" in file or file.endswith("test_programs.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Shares:
    """xdist's own groups are lost with pytest 9.2: the names of tests can no longer be added to."""
    return _Shares(config, log)


def _place_in_the_run(item: pytest.Item) -> int:
    marks = {mark.name for mark in item.iter_markers()}
    return next((place for place, name in enumerate(_WAITS) if name in marks), len(_WAITS))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing that is imported or collected here is garbage: to look for it meanwhile is a tenth of the work."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Put everything imported so far out of the collector's sight, so that a collection per test is cheap."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Outside of all time limits: who waits for a turn does nothing wrong."""
    with turn(item):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    before_each_try(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[call_passed] = report.passed
    if report.failed and call.excinfo is not None:
        let_go(call.excinfo.tb)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests: in virtual time, or on an ordinary loop when marked real_time."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    real = pyfuncitem.get_closest_marker("real_time") is not None
    factory = RealLoop if real else VirtualLoop
    with asyncio.Runner(loop_factory=factory, debug=True) as runner:
        runner.run(_run_and_look_round(pyfuncitem.obj(**arguments)))
    return True


async def _run_and_look_round(test: Coroutine[Any, Any, None]) -> None:
    """Await `test`; then no task may be left, and no callback or forgotten task may have failed unseen."""
    unseen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    await test
    # What was cancelled or has just been told the end needs a few turns of the loop to come to it.
    for _ in range(20):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            break
        await asyncio.sleep(0)
    gc.collect(1)  # a failed task that nobody kept reports when it is collected; the young generations are enough
    await asyncio.sleep(0)
    if left:
        pytest.fail("the test left tasks running: " + "; ".join(sorted(map(repr, left))))
    if unseen:
        told = "; ".join(f"{context['message']} ({context.get('exception')!r})" for context in unseen)
        raise AssertionError(f"faults that nobody awaited: {told}") from unseen[0].get("exception")
