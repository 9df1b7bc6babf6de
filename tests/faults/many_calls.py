"""X-C2 with a whole gateway: ten thousand calls, and nothing in the daemon has grown by them.

Named to `make soak` alone: it takes half an hour. Eight SIMs at once, each with a phone, customers who call in and are
answered, and a courier whom the phone calls. What a random day makes of a shop is in tests/flows, in virtual time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.demo.site import LINES, MODEMS, SIM_NUMBERS
from gateway.emulator.client import EmulatorRefused, RemoteSubscriber
from gateway.emulator.progress import CallEndedEarly
from gateway.emulator.sip_phone import SipPhone
from tests.bench.cost import resident_mib
from tests.end_to_end.house import House, house

CALLS = int(os.environ.get("SIMBRIDGE_CALLS", "10000"))
WARM = 1_000
"""Memory is compared from here on: by then every cache is full."""
LANES = 8
OUTGOING = 4
"""Every so many calls of a lane are to its courier."""
TOLD_AFTER = 500
TALK_SECONDS = 0.2
MOST_MIB = 1.0
QUIET_SECONDS = 40.0
"""Transactions and the watch over lost calls have come to their ends by then (RFC 3261: 32 s)."""
PASSWORD = "k3Zq9vTxw2LpR7ma"


@dataclass(frozen=True, slots=True)
class Place:
    """What a lane has of its own. The first ones have the demo's modems, the others more of their kinds."""

    number: int

    @property
    def line(self) -> str:
        return ([*LINES][self.number : self.number + 1] or [f"line{self.number}"])[0]

    @property
    def modem(self) -> str:
        return f"m{self.number}"

    @property
    def family(self) -> str:
        return MODEMS[self.number % len(MODEMS)][1]

    @property
    def sim(self) -> str:
        return SIM_NUMBERS.get(self.line, f"+7916000010{self.number}")

    @property
    def extension(self) -> str:
        return f"10{self.number}"

    @property
    def courier(self) -> str:
        return f"200{self.number}"

    @property
    def mobile(self) -> str:
        return f"+7903666000{self.number}"

    @property
    def customer(self) -> str:
        return f"+7903555000{self.number}"


PLACES = [Place(number) for number in range(LANES)]


def with_room(shop: str, places: Sequence[Place] = PLACES) -> str:
    """As many calls as there may be, none of them recorded: a line, a phone and a courier for each lane."""
    parts = "".join(
        f"""[[lines]]
name = "{each.line}"
modem = "{each.modem}"
number = "{each.sim}"
rings = ["{each.extension}"]
minutes_per_day = 1440
sms_per_day = 0

[[phones]]
extension = "{each.extension}"
password = "{PASSWORD}"
minutes_per_day = 1440
calls_per_minute = 600

[[couriers]]
extension = "{each.courier}"
name = "Courier {each.courier}"
mobile = "{each.mobile}"
lines = ["{each.line}"]
minutes_per_day = 1440

"""
        for each in places
    )
    before, after = shop[: shop.index("[[lines]]")], shop[shop.index("[recording]") :]
    return before + parts + after.replace('calls = "all"', 'calls = "none"')


def with_modems(config: str, emulator: Path, places: Sequence[Place] = PLACES) -> str:
    """Those that the demo does not have are there as well."""
    more = "".join(
        f"""
[[modems]]
name = "{each.modem}"
at = "{emulator}/{each.modem}-at"
voice = "{emulator}/{each.modem}-voice"
dialect = "auto"
"""
        for each in places[len(MODEMS) :]
    )
    return config + more


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
    return process_of("run", config)


def process_of(word: str, place: Path) -> int:
    """The process that was started with that word and that path."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if word.encode() in words and str(place).encode() in words:
            return int(process.name)
    raise LookupError(place)


def _links(pid: int) -> Iterator[Path]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if link.is_symlink():
            yield link


class Lines:
    """Looks at the lines until `run` is cancelled: a modem is told of a hang-up a moment after the phone."""

    def __init__(self, stack: House) -> None:
        self._stack = stack
        self._free: set[str] = set()
        self._looked = asyncio.Event()

    async def run(self) -> None:
        while True:
            self._free = _free(await self._stack.api.get("/snapshot"))
            self._looked.set()
            self._looked = asyncio.Event()
            await asyncio.sleep(0.1)

    async def until_free(self, line: str) -> None:
        """Its modem is not off the hook any more, and no call has it."""
        await self._looked.wait()  # what is being looked at now was asked for before
        while True:
            await self._looked.wait()
            if line in self._free:
                return


def _free(snapshot: Any) -> set[str]:
    ready = {row["name"] for row in snapshot["modems"] if row["state"] == "ready"}
    return {row["name"] for row in snapshot["lines"] if row["state"] == "ready" and row["modem"] in ready}


async def all_free(stack: House) -> None:
    """No call is left, and every line could have one."""

    def free(snapshot: Any) -> bool:
        return not snapshot["calls"] and _free(snapshot) == {each.line for each in PLACES}

    await stack.api.until("/snapshot", free, within=60)


class Traffic:
    """One call after the other in each lane, until there were enough."""

    def __init__(self, stack: House, lines: Lines) -> None:
        self._stack = stack
        self._lines = lines
        self.begun = 0
        self.done = 0
        self.failed: Counter[str] = Counter()

    async def upto(self, count: int, lanes: list[Lane]) -> None:
        """Until so many calls are over, or have failed."""
        async with asyncio.TaskGroup() as going:
            for lane in lanes:
                going.create_task(self._drive(count, lane))
        await all_free(self._stack)

    async def _drive(self, count: int, lane: Lane) -> None:
        while self.begun < count:
            self.begun += 1
            try:
                async with asyncio.timeout(60):
                    await self._lines.until_free(lane.place.line)
                    await lane.next()
            except (TimeoutError, OSError, CallEndedEarly, EmulatorRefused) as fault:
                self.failed[f"{lane.place.family}: {fault!r}"] += 1
            self.done += 1


class Lane:
    """One SIM, the phone that answers it, a customer and a courier."""

    def __init__(self, place: Place, phone: SipPhone, customer: RemoteSubscriber, courier: RemoteSubscriber) -> None:
        self.place = place
        self._phone = phone
        self._customer = customer
        self._courier = courier
        self._count = 0

    async def next(self) -> None:
        """A call from its beginning to its end."""
        self._count += 1
        if self._count % OUTGOING == 0:
            await self._go_out()
        else:
            await self.come_in()

    async def come_in(self) -> None:
        """The customer calls, is answered, and hangs up."""
        coming = await self._customer.call_in(self.place.sim)
        call = await self._phone.incoming()
        call.answer()
        await coming.answered(within=20)
        await asyncio.sleep(TALK_SECONDS)
        await coming.hang_up()
        await call.ended()

    async def _go_out(self) -> None:
        """The phone calls the courier, and hangs up."""
        call = self._phone.call(self.place.courier)
        await call.answered()
        mobile = await self._courier.next_call(within=20)
        await asyncio.sleep(TALK_SECONDS)
        call.hang_up()
        await mobile.ended(within=20)
        await call.ended()


async def open_lane(stack: House, place: Place, phones: AsyncExitStack) -> Lane:
    if place.number >= len(MODEMS):
        await stack.emulator.add_modem(place.family, name=place.modem, number=place.sim)
    registrar = ("127.0.0.1", stack.site.ports.sip)
    phone = await phones.enter_async_context(SipPhone(("127.0.0.1", 0), registrar, place.extension, PASSWORD))
    await phone.register()
    customer, courier = [
        await stack.emulator.subscriber(number, when_called="answer", ring_seconds=0.05)
        for number in (place.customer, place.mobile)
    ]
    return Lane(place, phone, customer, courier)


@pytest.mark.real_time
@pytest.mark.timeout(600 + 3 * CALLS)
async def test_ten_thousand_calls_leave_nothing_behind(tmp_path: Path) -> None:
    emulated = (tmp_path / "emulator").resolve()
    async with (
        house(tmp_path, shop=with_room, config=lambda config: with_modems(config, emulated)) as stack,
        AsyncExitStack() as phones,
    ):
        lanes, lines = [await open_lane(stack, place, phones) for place in PLACES], Lines(stack)
        looking = asyncio.create_task(lines.run())
        phones.callback(looking.cancel)
        await all_free(stack)
        traffic, began = Traffic(stack, lines), time.monotonic()
        pid = daemon_of(stack.site.config)
        await traffic.upto(4 * LANES, lanes)
        await asyncio.sleep(QUIET_SECONDS)
        before, warm = held_by(pid), 0.0
        for count in (*range(TOLD_AFTER, CALLS, TOLD_AFTER), CALLS):
            await traffic.upto(count, lanes)
            if not warm and count >= min(WARM, CALLS // 2):
                warm = resident_mib(pid)
            print(f"  {count} calls, {resident_mib(pid):.2f} MiB, {time.monotonic() - began:.0f} s", flush=True)
        await asyncio.sleep(QUIET_SECONDS)
        after, grown = held_by(pid), resident_mib(pid) - warm
        seconds = time.monotonic() - began
        print(f"{traffic.done} calls in {seconds:.0f} s, failed: {dict(traffic.failed)}; {grown:+.2f} MiB; {after}")
        assert not traffic.failed
        assert after == before
        assert grown <= MOST_MIB or CALLS <= WARM
