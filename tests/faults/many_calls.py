"""X-C2 with a whole gateway: ten thousand calls, and nothing in the daemon has grown by them.

Named to `make soak` alone: it takes hours. Three SIMs at a time: customers call in by each and are answered, and the
desk calls out by each. What a random day makes of a shop is in tests/flows, in virtual time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.site import SIM_NUMBERS
from gateway.emulator.client import EmulatorRefused, RemoteSubscriber
from gateway.emulator.progress import CallEndedEarly
from gateway.emulator.sip_phone import SipPhone
from tests.bench.cost import resident_mib
from tests.end_to_end.house import House, house

CALLS = int(os.environ.get("SIMBRIDGE_CALLS", "10000"))
WARM = 1_000
"""Memory is compared from here on: by then every cache is full."""
OUTGOING_ROUNDS = 4
"""Every so many rounds are calls to outside: a SIM has 1440 minutes a day, and each call costs one."""
TALK_SECONDS = 0.2
MOST_MIB = 1.0
QUIET_SECONDS = 40.0
"""Transactions and the watch over lost calls have come to their ends by then (RFC 3261: 32 s)."""


DESKS = {"red": "101", "green": "102", "blue": "103"}
"""Who answers the calls of each SIM: a phone talks to one at a time."""
PASSWORD = "k3Zq9vTxw2LpR7ma"


def with_room(shop: str) -> str:
    """As many calls as there may be, none of them recorded, and a phone for each SIM."""
    before, *lines = shop.split("\n[[lines]]")
    for number, extension in enumerate(DESKS.values()):
        lines[number] = lines[number].replace(
            'rings = ["101"]', f'rings = ["{extension}"]\nminutes_per_day = 1440\nsms_per_day = 0'
        )
    shop = "\n[[lines]]".join([before, *lines])
    phones = "".join(
        f'[[phones]]\nextension = "{extension}"\npassword = "{PASSWORD}"\nminutes_per_day = 1440\n'
        "calls_per_minute = 600\n\n"
        for extension in DESKS.values()
    )
    own = shop.index("[[phones]]")
    return (shop[:own] + phones + shop[shop.index("[[couriers]]") :]).replace('calls = "all"', 'calls = "none"')


def held_by(pid: int) -> dict[str, int]:
    """What a process has open."""
    descriptors = [str(each.readlink()) for each in _links(pid)]
    return {
        "descriptors": len(descriptors),
        "sockets": sum(each.startswith("socket:") for each in descriptors),
        "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
    }


def daemon_of(config: Path) -> int:
    """The process that runs by that gateway.toml."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if b"run" in words and str(config).encode() in words:
            return int(process.name)
    raise LookupError(config)


def _links(pid: int) -> Iterator[Path]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.is_symlink():
            yield link


class Lane:
    """One SIM, the phone that answers it, and a customer."""

    def __init__(self, phone: SipPhone, customer: RemoteSubscriber, sim: str) -> None:
        self._phone = phone
        self._customer = customer
        self._sim = sim

    async def come_in(self) -> None:
        """The customer calls, is answered, and hangs up."""
        coming = await self._customer.call_in(self._sim)
        call = await self._phone.incoming()
        call.answer()
        await coming.answered(within=20)
        await asyncio.sleep(TALK_SECONDS)
        await coming.hang_up()
        await call.ended()

    async def go_out(self) -> None:
        """The phone calls the customer by whichever SIM, and hangs up."""
        call = self._phone.call(self._customer.number)
        await call.answered()
        mobile = await self._customer.next_call(within=20)
        await asyncio.sleep(TALK_SECONDS)
        call.hang_up()
        await mobile.ended(within=20)
        await call.ended()


class Traffic:
    """Rounds of three calls, one in each lane."""

    def __init__(self, stack: House, lanes: list[Lane]) -> None:
        self._stack = stack
        self._lanes = lanes
        self.done = 0
        self.failed: list[str] = []

    async def round(self, number: int) -> None:
        """Three calls from their beginning to their end."""
        is_outgoing = number % OUTGOING_ROUNDS == 0
        try:
            async with asyncio.timeout(60), asyncio.TaskGroup() as calls:
                await lines_are_free(self._stack)  # a modem is told of a hang-up a moment after the phone
                for lane in self._lanes:
                    calls.create_task(lane.go_out() if is_outgoing else lane.come_in())
        except* (TimeoutError, OSError, CallEndedEarly, EmulatorRefused) as faults:
            self.failed.append(f"round {number}: {faults.exceptions!r}")
        self.done += len(self._lanes)


async def lines_are_free(stack: House) -> None:
    """No modem is off the hook any more."""

    def free(snapshot: Any) -> bool:
        return not snapshot["calls"] and {row["state"] for row in snapshot["modems"]} == {"ready"}

    await stack.api.until("/snapshot", free, within=30)


@pytest.mark.real_time
@pytest.mark.timeout(600 + 3 * CALLS)
async def test_ten_thousand_calls_leave_nothing_behind(tmp_path: Path) -> None:
    async with house(tmp_path, shop=with_room) as stack, AsyncExitStack() as phones:
        lanes = []
        for number, (line, extension) in enumerate(DESKS.items()):
            place = ("127.0.0.1", stack.site.ports.sip)
            phone = await phones.enter_async_context(SipPhone(("127.0.0.1", 0), place, extension, PASSWORD))
            await phone.register()
            customer = await stack.emulator.subscriber(f"+7903555000{number}", when_called="answer", ring_seconds=0.05)
            lanes.append(Lane(phone, customer, SIM_NUMBERS[line]))
        await lines_are_free(stack)
        traffic, began = Traffic(stack, lanes), time.monotonic()
        pid = daemon_of(stack.site.config)
        for number in range(10):
            await traffic.round(number)
        await asyncio.sleep(QUIET_SECONDS)
        before, warm, number = held_by(pid), 0.0, 10
        while traffic.done < CALLS:
            await traffic.round(number)
            number += 1
            if not warm and traffic.done >= min(WARM, CALLS // 2):
                warm = resident_mib(pid)
            if number % 100 == 0:
                print(f"  {traffic.done} calls, {resident_mib(pid):.1f} MiB, {held_by(pid)}", flush=True)
        await lines_are_free(stack)
        await asyncio.sleep(QUIET_SECONDS)
        after, grown = held_by(pid), resident_mib(pid) - warm
        seconds = time.monotonic() - began
        print(
            f"{traffic.done} calls in {seconds:.0f} s, {len(traffic.failed)} rounds failed; {grown:+.2f} MiB; {after}"
        )
        assert traffic.failed == []
        assert after == before
        assert grown <= MOST_MIB or CALLS <= WARM
