"""Ready once every modem has shown what it is, and not kept waiting by one that never does."""

from __future__ import annotations

import asyncio

from gateway.events import EventBus, ModemChanged
from gateway.health import SETTLE_SECONDS, Readiness


def tell(bus: EventBus, modem: str, state: str) -> None:
    bus.publish(ModemChanged(modem=modem, line=None, state=state, reason=None))


async def test_ready_when_the_last_modem_has_decided() -> None:
    bus = EventBus()
    readiness = Readiness(bus, ["m0", "m1"])
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(readiness.settled())
        tell(bus, "m0", "ready")
        tell(bus, "m1", "identifying")
        await asyncio.sleep(1)
        assert not waiting.done()
        assert not readiness.is_ready
        tell(bus, "m1", "no-sim")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert readiness.is_ready


async def test_a_modem_that_never_decides_does_not_keep_the_others_waiting() -> None:
    readiness = Readiness(EventBus(), ["m0"])
    started = asyncio.get_running_loop().time()
    await readiness.settled()
    assert readiness.is_ready
    assert asyncio.get_running_loop().time() - started >= SETTLE_SECONDS


async def test_no_modems_is_ready_at_once() -> None:
    readiness = Readiness(EventBus(), [])
    await readiness.settled()
    assert readiness.is_ready
