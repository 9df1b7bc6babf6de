"""What every test gets: coroutine tests run in virtual time unless marked `real_time`."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from tests.virtual_time import VirtualLoop


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests: in virtual time, or on an ordinary loop when marked real_time."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    real = pyfuncitem.get_closest_marker("real_time") is not None
    factory = asyncio.SelectorEventLoop if real else VirtualLoop
    with asyncio.Runner(loop_factory=factory, debug=True) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    return True
