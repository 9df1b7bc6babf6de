"""The units, judged by systemd's own tools and by a stand-in for the service manager."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from gateway.health import ANSWER_SECONDS
from gateway.settings import load_settings

SYSTEMD = Path(__file__).parents[2] / "systemd"
SERVICES = ("simbridge.service", "simbridge-worker.service", "simbridge-web.service")
TIMED = ("simbridge-backup.service", "simbridge-name.service")
"""What a timer starts, and what needs Avahi."""
TIMER = "simbridge-backup.timer"
START_SECONDS = 15
"""What a start may take until the modems are hung up (docs/decisions/watchdog.md)."""


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies whose program exists on any machine: the tools look it up."""
    directory = tmp_path_factory.mktemp("units")
    for name in (*SERVICES, *TIMED):
        text = (SYSTEMD / name).read_text(encoding="utf-8")
        assert "ExecStart=/usr/bin/simbridge " in text
        (directory / name).write_text(text.replace("/usr/bin/simbridge ", "/bin/true "), encoding="utf-8")
    shutil.copy(SYSTEMD / TIMER, directory)
    return directory


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_understands_every_line(units: Path) -> None:
    verdict = analyze("verify", "--man=no", *(str(units / name) for name in (*SERVICES, *TIMED, TIMER)))
    ours = [line for line in verdict.stderr.splitlines() if "simbridge" in line]
    assert not ours
    assert verdict.returncode == 0, verdict.stderr


@pytest.mark.parametrize("name", [*SERVICES, *TIMED])
def test_what_a_break_in_would_win_is_little(units: Path, name: str) -> None:
    """T-L2: an exposure of 2.5 at most."""
    verdict = analyze("security", "--offline=1", "--threshold=25", "--no-pager", str(units / name))
    assert verdict.returncode == 0, verdict.stdout


def test_a_wrong_line_would_have_been_found(units: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.service"
    wrong.write_text((units / SERVICES[0]).read_text(encoding="utf-8").replace("Restart=on-failure", "Restart=perhaps"))
    assert "perhaps" in analyze("verify", "--man=no", str(wrong)).stderr


@pytest.mark.parametrize("name", SERVICES)
def test_none_runs_as_root_and_all_start_at_boot(name: str) -> None:
    text = (SYSTEMD / name).read_text(encoding="utf-8")
    assert re.search(r"^User=simbridge(-web)?$", text, re.MULTILINE)
    assert "WantedBy=multi-user.target" in text


def test_the_nightly_backup_has_a_timer_and_waits_for_a_passphrase(tmp_path: Path) -> None:
    timer = (SYSTEMD / TIMER).read_text(encoding="utf-8")
    calendar = re.search(r"^OnCalendar=(.+)$", timer, re.MULTILINE)
    assert calendar is not None
    assert analyze("calendar", calendar[1]).returncode == 0
    service = (SYSTEMD / "simbridge-backup.service").read_text(encoding="utf-8")
    passphrases = re.findall(r"^ConditionPathExists=\|(.+)$", service, re.MULTILINE)  # either is enough
    config = tmp_path / "gateway.toml"
    config.write_text((SYSTEMD / "deb" / "gateway.toml").read_text(encoding="utf-8"), encoding="utf-8")
    settings = load_settings(config)
    assert [str(each).replace(str(tmp_path), "/etc/simbridge") for each in (settings.backup_passphrase,)] + [
        str(settings.panel_passphrase)
    ] == passphrases


def test_the_panel_has_a_user_of_its_own() -> None:
    assert "User=simbridge-web" in (SYSTEMD / "simbridge-web.service").read_text(encoding="utf-8")
    assert "InaccessiblePaths=-/var/lib/simbridge" in (SYSTEMD / "simbridge-web.service").read_text(encoding="utf-8")


class Listener(asyncio.DatagramProtocol):
    """The service manager's ear."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._news = asyncio.Event()

    def datagram_received(self, data: bytes, address: object) -> None:
        self.heard.append(data.decode())
        self._news.set()

    async def until(self, word: str, within: float) -> None:
        """Until `word` is said after this moment."""
        count = len(self.heard)
        async with asyncio.timeout(within):
            while word not in self.heard[count:]:
                self._news.clear()
                await self._news.wait()


def minimal_gateway(directory: Path) -> Path:
    config = directory / "gateway.toml"
    sip, api = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    config.write_text(
        'data_dir = "data"\n[discovery]\nenabled = false\n'
        f'[sip]\nbind = ["127.0.0.1"]\nport = {sip}\n[api]\nbind = "127.0.0.1:{api}"\n',
        encoding="utf-8",
    )
    return config


def test_what_a_loop_that_stands_still_costs_at_most() -> None:
    """X-D4: 35 s until the modems are hung up, of which a start on a small machine has its share."""
    text = (SYSTEMD / "simbridge.service").read_text(encoding="utf-8")
    seconds = [
        int(found) for found in re.findall(r"^(?:WatchdogSec|TimeoutAbortSec|RestartSec)=(\d+)$", text, re.MULTILINE)
    ]
    assert len(seconds) == 3
    assert sum(seconds) + START_SECONDS <= 35
    watchdog = int(re.findall(r"^WatchdogSec=(\d+)$", text, re.MULTILINE)[0])
    assert 2 * watchdog / 3 + ANSWER_SECONDS < watchdog, "one lost answer ends nothing"


@pytest.mark.real_time
async def test_the_daemon_says_ready_lives_and_falls_silent_when_its_loop_stands_still(tmp_path: Path) -> None:
    """X-D4, up to the moment at which systemd would act."""
    address = str(tmp_path / "notify")
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(address)
    loop = asyncio.get_running_loop()
    transport, listener = await loop.create_datagram_endpoint(Listener, sock=listening)
    environment = {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1500000"}
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "run", "--config", str(minimal_gateway(tmp_path)), env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await listener.until("READY=1", within=30)
        await listener.until("WATCHDOG=1", within=10)
        daemon.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.2)
        count = len(listener.heard)
        await asyncio.sleep(2)
        assert len(listener.heard) == count, "who does nothing gives no sign of life"
        daemon.send_signal(signal.SIGCONT)
        await listener.until("WATCHDOG=1", within=10)
        stopping = asyncio.ensure_future(listener.until("STOPPING=1", within=10))
        await asyncio.sleep(0)
        daemon.send_signal(signal.SIGTERM)
        await stopping
        assert await asyncio.wait_for(daemon.wait(), 20) == 0
    finally:
        if daemon.returncode is None:
            daemon.kill()
            await daemon.wait()
        transport.close()
