"""X-M8 with a whole gateway: a hub restarts, its modems vanish together and return; the phones notice nothing of it.

Named to `make soak` alone: twenty seconds of work for each round would be too much for every run. What every run has is
test_modems.py, with eight modems and no daemon around them.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.site import COURIER, MODEMS, SIM_NUMBERS, STRANGER
from tests.end_to_end.house import House, house

FAMILIES = ("huawei", "quectel", "simcom", "generic")
MORE = tuple((f"m{number}", FAMILIES[number % 4]) for number in range(len(MODEMS), 8))
VANISHINGS = 20


def with_more_modems(config: str) -> str:
    first = MODEMS[0][0]
    entry = config[config.index("\n[[modems]]") : config.index("\n[[modems]]", config.index("[[modems]]"))]
    return config + "".join(
        entry.replace(f'"{first}"', f'"{name}"').replace(f"/{first}-", f"/{name}-") for name, _ in MORE
    )


def modem_states(snapshot: Any) -> set[str]:
    return {row["state"] for row in snapshot["modems"]}


async def is_reachable(stack: House, extension: str) -> bool:
    rows = (await stack.api.get("/snapshot"))["phones"]
    return any(row["extension"] == extension and row["contacts"] for row in rows)


@pytest.mark.real_time
@pytest.mark.timeout(90 + 60 * VANISHINGS)
async def test_phones_stay_registered_while_eight_modems_come_and_go(tmp_path: Path) -> None:
    async with house(tmp_path, config=with_more_modems) as stack, stack.phone() as phone:
        for name, family in MORE:
            await stack.emulator.add_modem(family, name=name)
        modems = await stack.emulator.modems()
        assert len(modems) == 8
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
        stranger = await stack.emulator.subscriber(STRANGER)
        await phone.register()  # once: what follows rests on it
        slowest = 0.0
        for _ in range(VANISHINGS):
            await stack.api.until("/snapshot", lambda snapshot: modem_states(snapshot) == {"ready"}, within=30)
            call = phone.call("2001")
            async with asyncio.timeout(15):
                await call.answered()
            await courier.next_call(within=5)
            await asyncio.gather(*(modem.unplug() for modem in modems))
            async with asyncio.timeout(5):
                await call.ended()
            await stack.api.until("/snapshot", lambda snapshot: modem_states(snapshot) == {"lost"}, within=10)
            assert await is_reachable(stack, "101")
            assert await phone.options() == 200, "strangers are challenged"
            await asyncio.gather(*(modem.replug() for modem in modems))
            back = time.monotonic()
            await stack.api.until("/snapshot", lambda snapshot: modem_states(snapshot) == {"ready"}, within=30)
            slowest = max(slowest, time.monotonic() - back)
            customer = await stranger.call_in(SIM_NUMBERS["red"])
            async with asyncio.timeout(15):
                incoming = await phone.incoming()
            incoming.reject()
            await customer.hang_up()
        print(f"{VANISHINGS} times {len(modems)} modems of a whole gateway: all back after {slowest:.1f} s at most")
