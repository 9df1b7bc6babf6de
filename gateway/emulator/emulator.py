"""The emulator as one object: modems, the network behind them, phones, and the clock of their sound."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.emulator.media_clock import MediaClock
from gateway.emulator.modem import Modem
from gateway.emulator.network import Network, Pace
from gateway.emulator.personality import PERSONALITIES
from gateway.emulator.sim import MessageStore, Sim

_GIL_SECONDS = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemOrder:
    """What a modem shall be like; what is left out follows from its place in the row."""

    family: str
    name: str | None = None
    number: str | None = None
    imei: str | None = None
    pin: str | None = None
    ppm: float = 0.0
    """How much slower (or, negative, faster) its crystal is, in millionths."""
    tells_number: bool = True
    is_noisy: bool = True
    slots: int = 20


class Emulator:
    """`async with Emulator(directory) as emulator:`, then `add_modem`.

    Ports appear in the directory as NAME-at and NAME-voice; with `keeps_logs` every byte of an AT port
    also goes to NAME-at.log.
    """

    def __init__(self, directory: Path, *, pace: Pace | None = None, keeps_logs: bool = False) -> None:
        self.directory = directory
        self.network = Network(pace)
        self.modems: dict[str, Modem] = {}
        self.clock = MediaClock()
        self._keeps_logs = keeps_logs
        self._switch_interval = sys.getswitchinterval()

    async def __aenter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        # The thread that moves the sound must not wait for the event loop's five milliseconds.
        sys.setswitchinterval(_GIL_SECONDS)
        self.clock.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.network.close()
        for modem in self.modems.values():
            modem.close()
        self.clock.stop()
        sys.setswitchinterval(self._switch_interval)

    def add_modem(self, order: ModemOrder, *, is_on: bool = True) -> Modem:
        """A new modem, switched on unless told otherwise; ValueError for an unknown family or a name taken."""
        if order.family not in PERSONALITIES:
            raise ValueError(f"There is no family {order.family!r}; there are: {', '.join(PERSONALITIES)}.")
        place = len(self.modems)
        name = order.name or f"m{place}"
        if name in self.modems:
            raise ValueError(f"There is a modem {name} already.")
        sim = Sim(
            number=order.number or f"+7916{place + 1:07d}",
            imsi=f"25001{place + 1:010d}",
            iccid=with_check_digit(f"897019{place + 1:012d}"),
            pin=order.pin,
            tells_number=order.tells_number,
            store=MessageStore(order.slots),
        )
        modem = Modem(
            name,
            PERSONALITIES[order.family],
            sim,
            network=self.network,
            clock=self.clock,
            directory=self.directory,
            imei=order.imei or with_check_digit(f"3520990{place + 1:07d}"),
            ppm=order.ppm,
            seed=place,
            log_path=self.directory / f"{name}-at.log" if self._keeps_logs else None,
            is_noisy=order.is_noisy,
        )
        self.modems[name] = modem
        self.network.modems.append(modem)
        if is_on:
            modem.power_on()
        return modem


def with_check_digit(digits: str) -> str:
    """`digits` and their Luhn digit (ISO/IEC 7812-1), as IMEI and ICCID have it."""
    double: Callable[[int], int] = lambda digit: digit * 2 - 9 if digit > 4 else digit * 2  # noqa: E731  # one use
    total = sum(double(int(d)) if place % 2 == 0 else int(d) for place, d in enumerate(reversed(digits)))
    return digits + str(-total % 10)
