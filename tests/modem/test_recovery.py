"""The ladder, step by step, and the power of the socket as its last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.errors import ModemLost
from gateway.modem.discovery_probe import first_that_speaks_at, speaks_at
from gateway.modem.recovery import Ladder, Rung
from gateway.settings import DiscoverySettings, ModemSettings
from gateway.telephony.line import LineState
from gateway.telephony.shop import LineSettings
from tests.fakes.transcript import TranscriptModem
from tests.fakes.usb_tree import UsbTree
from tests.modem.fleet_room import room_for
from tests.modem.test_service import hardware

__all__ = ["hardware"]


@pytest.mark.parametrize(
    ("family", "has_power", "rungs"),
    [
        (None, False, [Rung.REOPEN, Rung.RESTART]),
        ("quectel", False, [Rung.REOPEN, Rung.RESTART]),
        ("quectel", True, [Rung.REOPEN, Rung.RESTART, Rung.POWER_CYCLE]),
        ("simcom", True, [Rung.REOPEN, Rung.RESTART, Rung.FAMILY_RESET, Rung.POWER_CYCLE]),
        ("huawei", False, [Rung.REOPEN, Rung.RESTART, Rung.FAMILY_RESET]),
    ],
)
def test_the_steps_of_each_family(family: str | None, rungs: list[Rung], *, has_power: bool) -> None:
    ladder = Ladder()
    assert [ladder.climb(family, has_power=has_power).rung for _ in rungs] == rungs
    pauses = [ladder.climb(family, has_power=has_power) for _ in range(9)]
    assert {step.rung for step in pauses} == {Rung.LEFT_ALONE}
    assert [step.pause_seconds for step in pauses] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    ladder.was_served()
    assert ladder.climb(family, has_power=has_power).rung is Rung.REOPEN


def test_what_each_family_is_told() -> None:
    def told(family: str) -> list[list[str]]:
        ladder = Ladder()
        steps = [ladder.climb(family, has_power=True) for _ in range(5)]
        return [[command.text for command in step.reset] for step in steps]

    assert told("simcom") == [[], ["AT+CFUN=1,1"], ["AT+CRESET"], [], ["AT+CFUN=1,1"]]
    assert told("quectel") == [[], ["AT+CFUN=1,1"], [], ["AT+CFUN=1,1"], ["AT+CFUN=1,1"]]


class Power:
    """Notes which sockets were switched; the modem wakes by it."""

    def __init__(self, modem: TranscriptModem) -> None:
        self.switched: list[str] = []
        self._modem = modem

    def can_cycle(self, place: str) -> bool:
        return bool(place)

    async def cycle(self, place: str) -> bool:
        self.switched.append(place)
        self._modem.is_hung = len(self.switched) < 2
        return len(self.switched) > 1


async def test_the_socket_is_switched_when_nothing_else_helps(hardware: TranscriptModem, tmp_path: Path) -> None:
    tree = UsbTree(tmp_path)
    (tmp_path / "port").touch()
    tree.plug("1-1.4", "12d1:1001", {2: "ttyUSB2"}, targets={2: str(tmp_path / "port")})
    power = Power(hardware)
    room = room_for(LineSettings(name="l0", modem="m0"))
    fixed = ModemSettings(name="m0", at=str(tmp_path / "port"), voice="/dev/null")
    discovery = DiscoverySettings(enabled=False, sysfs=str(tree.root), devices=str(tree.dev))
    async with room.fleet((fixed,), discovery=discovery, power=power) as fleet:
        await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        for turns in (1, 2):
            hardware.is_hung = True
            await slowly(lambda turns=turns: len(power.switched) >= turns)  # type: ignore[misc]  # bound early
            if turns == 1:
                hardware.is_hung = False
            await slowly(lambda: fleet.lines["l0"].state is LineState.READY)
        assert power.switched == ["1-1.4", "1-1.4"]
        assert hardware.said.count("AT^RESET") == 2


async def slowly(condition: Callable[[], bool], *, within: float = 600.0) -> None:
    """Look twice a second of virtual time."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110  # what is waited for has no event to wait on
            await asyncio.sleep(0.5)


class Port:
    """A port that says `answer` to each AT, or pours out text."""

    answers: ClassVar[dict[str, bytes]] = {}
    opened: ClassVar[list[str]] = []

    def __init__(self, path: str, on_data: object, on_lost: object) -> None:
        del on_lost
        if path == "gone":
            raise ModemLost("It is gone.")
        self.opened.append(path)
        self.is_open = True
        self._path = path
        self._on_data = on_data

    def write(self, data: bytes) -> None:
        assert data == b"AT\r"
        if answer := self.answers.get(self._path):
            for start in range(0, len(answer), 7):
                self._on_data(answer[start : start + 7])  # type: ignore[operator]  # a callback

    def close(self) -> None:
        self.is_open = False


@pytest.mark.parametrize(
    ("answer", "speaks"),
    [
        (b"\r\nOK\r\n", True),
        (b"AT\r\r\nOK\r\n", True),
        (b"^RSSI:19\r\n\r\nOK\r\n", True),
        (b"", False),
        (b"\r\nERROR\r\n", False),
        (b"$GPGGA,OK,1*7F\r\n" * 400, False),
        (b"%DBG text\r\n" * 400 + b"\r\nOK\r\n", True),
    ],
)
async def test_who_speaks_at(monkeypatch: pytest.MonkeyPatch, answer: bytes, *, speaks: bool) -> None:
    monkeypatch.setattr("gateway.modem.discovery_probe.SerialPort", Port)
    monkeypatch.setattr(Port, "answers", {"here": answer})
    monkeypatch.setattr(Port, "opened", [])
    assert await speaks_at("here") is speaks
    assert await first_that_speaks_at(["gone", "silent", "here", "later"]) == ("here" if speaks else None)
    assert Port.opened == ["here", "silent", "here"] + ([] if speaks else ["later"])
