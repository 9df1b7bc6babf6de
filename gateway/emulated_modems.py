"""Emulated modems beside a daemon that has no real ones: their process, their lines, and their end.

What they have brought stands in a file of the data directory: after a restart they are there again, and nothing of
them is left once they are ended. They never stand among real modems: they begin only where there are none, and
while they run no line of a real modem can be made.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Protocol, Self

from gateway.api.emulated_routes import RealModemsThere
from gateway.api.playground import EmulatorAway, Playground, PlayRefused
from gateway.errors import TryLater
from gateway.events import AlertCleared, AlertRaised, EventBus, ModemChanged, ModemRemoved, Published
from gateway.settings import ModemSettings
from gateway.telephony.emulated import FAMILIES, NAMES, Brought, has_real_lines
from gateway.telephony.promised import PromisedCall
from gateway.telephony.shop import Shop

log = logging.getLogger(__name__)

START_SECONDS = 20.0
RESTART_SECONDS = 2.0
LAST_WORDS_SECONDS = 2.0
"""What calls that were hung up still have to say, before they are removed: the answer to a BYE, their trace."""
MIXED_ALERT = "real-beside-emulated"


class State(StrEnum):
    """What the owner sees."""

    OFF = "off"
    STARTING = "starting"
    ON = "on"
    CONFIGURED = "configured"
    """By [emulated] of gateway.toml: they are not ours to end."""


class Fleet(Protocol):
    """Who serves modems."""

    def add(self, settings: ModemSettings) -> None:
        """Serve one more."""

    async def take_away(self, name: str) -> None:
        """Serve it no more."""


class Kept(Protocol):
    """Where the shop is kept, and what was tried."""

    def shop(self) -> Shop:
        """The shop as it is now."""

    async def change_whole(self, change: Callable[[Shop], Shop], *, by: str) -> None:
        """Commit what `change` makes of it."""

    async def remove_trial(self, recordings_dir: Path, brought: Brought) -> None:
        """Remove what was tried."""


class Promises(Protocol):
    """Call-backs that are promised."""

    def waiting(self) -> Sequence[PromisedCall]:
        """Those that are open."""

    def cancel(self, promise_id: str) -> bool:
        """Take one off."""


class Places(Protocol):
    """Where things are kept."""

    @property
    def data_dir(self) -> Path:
        """The directory of it all."""

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie."""


class EmulatedModems:
    """Within `async with` they may run; leaving ends their process and keeps what they have brought."""

    def __init__(
        self, places: Places, *, kept: Kept, fleet: Fleet, world: Playground, bus: EventBus, promises: Promises
    ) -> None:
        """`world` is told where the emulator listens. To be made before the fleet is entered, and entered after it."""
        self._directory = places.data_dir / "emulated"
        self._note = self._directory / "brought.json"
        self._recordings_dir = places.recordings_dir
        self._kept = kept
        self._fleet = fleet
        self.world = world
        """What the panel plays with."""
        self._publish = bus.publish
        self._promises = promises
        bus.subscribe(self._follow)
        self._is_configured = world.control is not None
        self._brought: Brought | None = None
        self._served: set[str] = set()
        self._real: set[str] = set()
        self._is_alerted = False
        self._is_open = False
        self._changing = asyncio.Lock()
        self._running: asyncio.Task[NoReturn] | None = None
        self.process: Process | None = None
        """The emulator, while it runs."""
        self._group = asyncio.TaskGroup()
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._is_open = True
        if not self._is_configured and (brought := await asyncio.to_thread(self._read)) is not None:
            if not any(line.name in NAMES for line in self._kept.shop().lines):  # a crash came between
                await self._kept.change_whole(brought.added_to, by="")
            self._launch(brought)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        if self._running is not None:
            self._running.cancel()
        await self._group.__aexit__(None, None, None)
        if not self._is_configured:
            self.world.control = None

    @property
    def state(self) -> State:
        """See Emulated."""
        if self._is_configured:
            return State.CONFIGURED
        if self._brought is None:
            return State.OFF
        return State.ON if self._ready.is_set() else State.STARTING

    @property
    def is_possible(self) -> bool:
        """See Emulated."""
        return self.state is State.OFF and not self._real and not has_real_lines(self._kept.shop())

    @property
    def real(self) -> int:
        """See Emulated."""
        return 0 if self._is_configured else len(self._real)

    async def begin(self, *, by: str) -> None:
        """See Emulated."""
        async with self._changing:
            if self.state in (State.ON, State.CONFIGURED):
                return
            if not self._is_open:
                raise TryLater("The gateway is starting or stopping.")
            if self._brought is None:
                if not self.is_possible:
                    raise RealModemsThere("There are real modems, or lines of such.")
                brought = Brought.to(self._kept.shop())
                await asyncio.to_thread(self._write, brought)
                await self._kept.change_whole(brought.added_to, by=by)
                log.info("%s has begun emulated modems.", by)
                self._launch(brought)
            try:
                async with asyncio.timeout(START_SECONDS):
                    await self._ready.wait()
            except TimeoutError as fault:
                raise TryLater("The emulated modems have not started yet.") from fault

    async def end(self, *, by: str) -> None:
        """See Emulated."""
        async with self._changing:
            brought = self._brought
            if brought is None:
                return
            had_modems = bool(self._served)
            for name in sorted(self._served):
                await self._fleet.take_away(name)
            self._served.clear()
            if self._running is not None:
                self._running.cancel()
                await asyncio.wait([self._running])
            self._running, self.world.control = None, None
            self._ready.clear()
            self._forget_promises(brought)
            if had_modems:
                await asyncio.sleep(LAST_WORDS_SECONDS)
            await self._kept.change_whole(brought.taken_from, by=by)
            try:
                await self._kept.remove_trial(self._recordings_dir, brought)
            except OSError as fault:
                raise TryLater(f"A recording could not be removed: {fault}.") from fault
            await asyncio.to_thread(shutil.rmtree, self._directory)
            self._brought = None
            log.info("%s has ended the emulated modems; what they brought is gone.", by)
            self._tell_if_mixed()

    def _forget_promises(self, brought: Brought) -> None:
        """No real line shall call those who were never there."""
        people = (*brought.sims, brought.customer, brought.courier_mobile)
        for promise in list(self._promises.waiting()):
            if promise.called in NAMES or promise.number in people:
                self._promises.cancel(promise.id)

    # The process.

    def _launch(self, brought: Brought) -> None:
        self._brought = brought
        self._running = self._group.create_task(self._run(brought), name="emulated modems")
        self._tell_if_mixed()

    async def _run(self, brought: Brought) -> NoReturn:
        while True:
            control = self._directory / "control.sock"
            process = self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway.emulator", "--directory", str(self._directory), "--leash",
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                if process.stdout is not None and await process.stdout.readline() == b"ready\n":
                    self.world.control = control
                    await self._equip(brought)
                    self._ready.set()
                await process.wait()
            except (EmulatorAway, PlayRefused) as fault:
                log.warning("The emulated modems could not be made: %s", fault)
            finally:
                self._ready.clear()
                await _ended(process)
                self.process = None
            log.warning("The emulated modems have gone; they are started again.")
            await asyncio.sleep(RESTART_SECONDS)

    async def _equip(self, brought: Brought) -> None:
        """Give the new emulator its modems and people. Raises EmulatorAway, PlayRefused."""
        for name, family, number in zip(NAMES, FAMILIES, brought.sims, strict=True):
            at, voice = await self.world.add_modem(family=family, name=name, number=number)
            if name not in self._served:
                self._served.add(name)
                self._fleet.add(ModemSettings(name=name, at=at, voice=voice))
        self.world.customer = brought.customer
        mobiles = {each.mobile for each in self._kept.shop().couriers}
        for number in sorted({brought.customer, brought.courier_mobile} | mobiles):
            await self.world.people(number, "answer")

    # What is kept of it.

    def _read(self) -> Brought | None:
        try:
            return Brought.of(json.loads(self._note.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as fault:
            log.warning("What the emulated modems have brought cannot be read: %s", fault)
            return None

    def _write(self, brought: Brought) -> None:
        self._directory.mkdir(exist_ok=True, mode=0o750)
        fresh = self._note.with_suffix(".new")
        fresh.write_text(json.dumps(brought.kept()), encoding="utf-8")
        fresh.replace(self._note)

    def _follow(self, published: Published) -> None:
        """A real modem that comes while these run is told of, aloud."""
        match published.event:
            case ModemChanged(modem=name, state=state) if name not in NAMES and not self._is_configured:
                if state in ("absent", "lost"):
                    self._real.discard(name)
                else:
                    self._real.add(name)
            case ModemRemoved(modem=name):
                self._real.discard(name)
            case _:
                return
        self._tell_if_mixed()

    def _tell_if_mixed(self) -> None:
        is_mixed = bool(self._real) and self._brought is not None
        if is_mixed == self._is_alerted:
            return
        self._is_alerted = is_mixed
        told = AlertRaised(code=MIXED_ALERT, subject="", values={}) if is_mixed else None
        self._publish(told or AlertCleared(code=MIXED_ALERT, subject=""))


async def _ended(process: Process) -> None:
    """Let go of the leash, and wait until it has run away; what does not go is made to."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
