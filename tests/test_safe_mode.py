"""Two ways to start with less: by hand without any modem, and by itself with modems and SIP alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import cli, daemon, safe_mode
from gateway.events import AlertRaised, Event
from gateway.safe_mode import SafeMode
from gateway.settings import Settings


@pytest.mark.parametrize("arguments", [[], ["--safe"]])
def test_no_modem_is_touched_in_safe_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text('data_dir = "data"\n[[modems]]\nname = "m0"\nat = "/dev/ttyUSB2"\n')
    started: list[Settings] = []

    def start(settings: Settings, file: Path) -> int:
        assert file == config
        started.append(settings)
        return 0

    monkeypatch.setattr(daemon, "run_daemon", start)
    assert cli.main(["run", "--config", str(config), *arguments]) == 0
    (settings,) = started
    assert len(settings.modems) == (0 if arguments else 1)
    assert settings.discovery.enabled is not bool(arguments)
    assert settings.sip.port == 5060


class Starts:
    """One daemon after another on a data directory."""

    def __init__(self, directory: Path, *, enabled: bool = True) -> None:
        self.now = 1000.0
        self.told: list[Event] = []
        self._directory, self._enabled = directory, enabled

    def begin(self) -> SafeMode:
        return SafeMode(self._directory, self.told.append, enabled=self._enabled, clock=lambda: self.now)

    def crash(self, *, after: float = 5.0) -> bool:
        """A start that ends in a fault; whether it was in safe mode."""
        mode = self.begin().__enter__()
        self.now += after
        mode.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
        return mode.is_on

    def killed(self) -> bool:
        """A start whose end nobody sees."""
        self.now += 5
        return self.begin().__enter__().is_on


def test_after_three_crashes_in_a_row_only_what_calls_need_is_started(tmp_path: Path) -> None:
    starts = Starts(tmp_path)
    assert [starts.crash(), starts.killed(), starts.crash()] == [False, False, False]
    assert starts.told == []
    with starts.begin() as mode:
        assert mode.is_on
        mode.tell()
    assert starts.told == [AlertRaised(code="safe-mode", subject="daemon", values={"crashes": "3"})]
    with starts.begin() as mode:
        assert not mode.is_on, "an end as told ends the row"
        mode.tell()
    assert len(starts.told) == 1


def test_crashes_far_apart_are_no_row(tmp_path: Path) -> None:
    starts = Starts(tmp_path)
    assert not any(starts.crash(after=301) for _ in range(6))


def test_in_safe_mode_it_stays_while_it_goes_on_crashing(tmp_path: Path) -> None:
    starts = Starts(tmp_path)
    assert [starts.crash() for _ in range(6)] == [False] * 3 + [True] * 3


def test_a_machine_that_was_switched_off_has_not_crashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = Starts(tmp_path)
    for number in range(6):
        boot = tmp_path / "boot_id"
        boot.write_text(f"{number}\n")
        monkeypatch.setattr(safe_mode, "_BOOT", boot)
        assert not starts.killed()


def test_a_note_that_cannot_be_read_or_written_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "starts.json").write_text("[")
    assert not Starts(tmp_path).killed()
    assert not Starts(tmp_path / "away").killed()


def test_tests_that_kill_daemons_may_switch_it_off(tmp_path: Path) -> None:
    starts = Starts(tmp_path, enabled=False)
    assert not any(starts.killed() for _ in range(9))
