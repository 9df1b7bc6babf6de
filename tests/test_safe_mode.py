"""`simbridge run --safe` touches no modem, and is otherwise the same daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import cli, daemon
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
