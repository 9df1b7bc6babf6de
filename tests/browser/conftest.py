"""A real panel process over a served API, and Debian's Chromium looking at it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Self

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from gateway.demo.free_port import free_port
from gateway.events import AlertRaised, ModemChanged, PhoneRegistered
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import ending, missed_row
from tests.fakes.rows import call_row, message_row

CHROMIUM = "/usr/bin/chromium-headless-shell"
"""The same engine without the windows around it, which cost as much as the pages."""
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A page, and what its console said."""

    page: Page
    complaints: list[str]


@pytest.fixture
def gateway(tmp_path: Path) -> GatewayThread:
    """A shop that has had a few days; the test serves it."""
    filled = GatewayThread(tmp_path)
    filled.archive.call_rows = [
        call_row("c1", caller="+79161234567", courier="2001"),
        call_row("c2", direction="outgoing", caller="101", called="2002", line=None, answered_by="+79161234568"),
        call_row(
            "c3", answered_at=None, answered_by=None, cause="cancelled", talk_seconds=0.0, recordings=[],
            started_at="2027-01-28T20:00:00.000Z",
        ),
        call_row("c4", caller="", direction="internal", called="101", cause="no-audio", line=None),
    ]  # fmt: skip
    filled.reports.customers = [missed_row(), missed_row("+79031112244", ended=ending("closed")), missed_row("")]
    visit = {
        "id": "v1", "number": "+79161234567", "name": "Olga", "origin": "https://shop.example",
        "asked_at": "2027-01-29T08:59:00.000Z", "due_at": "2027-01-29T08:59:00.000Z", "consent": "I agree",
        "page_url": "https://shop.example/" + "tires-" * 40, "landing_url": "", "referrer": "https://ya.example/",
        "marks": {"utm_source": "ya", "ym_client_id": "133591247640966458"},
    }  # fmt: skip
    called = {"id": "c1", "started_at": "2027-01-29T09:00:00.000Z", "answered": True, "talk_seconds": 52.0, "cost": 3.0}
    filled.site.items = [{**visit, "calls": [called]}, {**visit, "marks": {}, "calls": []}]
    filled.archive.details["c1"] = {
        "visit": visit,
        "legs": [],
        "timeline": [{"time": "2027-01-29T09:00:00.000Z", "type": "call.started", "data": {}}],
    }
    filled.archive.message_rows = [
        message_row("m1", text="Ваш заказ № 5521 передан курьеру, ожидайте сегодня с 14:00 до 18:00. " * 3, parts=3),
        message_row("m2", peer=None, text=None),
        message_row("m3", peer="MTS", text="A" * 160),
    ]
    for name in ("c1", "c2", "c4"):
        filled.keep_recording(f"r-{name}", seconds=3)
    return filled


def fill(gateway: GatewayThread) -> None:
    """Modems, phones, an alert and somebody who guesses passwords, once it is served."""
    gateway.door.bound["192.168.1.77"] = ("101",)
    gateway.door.fails("192.168.1.77", "101")
    gateway.door.fails("192.168.1.78", "a-very-long-name-of-an-account-that-is-tried", times=2)
    for number in range(16):
        gateway.door.fails(f"192.168.2.{number}", "101", times=1)
    gateway.publish(
        ModemChanged(
            modem="m0", line="red", state="ready", reason=None, family="Huawei", model="E173", imei="357078041234567",
            firmware="11.126.85.00.209", operator="MTS RUS", technology="UMTS", signal_dbm=-71, voice=True,
            port="/dev/serial/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.2-port0",
        ),
        ModemChanged(modem="m1", line="blue", state="searching", reason="no-network", signal_dbm=-107, voice=True),
        PhoneRegistered(
            extension="101", contact="sip:101@192.168.1.21:5060;transport=udp;ob", expires_seconds=3600,
            user_agent="Yealink SIP-T31P 124.86.0.40",
        ),
        AlertRaised(code="no-network", subject="blue", values={}),
    )  # fmt: skip


class PanelProcess:
    """`python -m web`, as it is deployed."""

    def __init__(self, api_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = [sys.executable, "-m", "web", "--api", api_url, "--bind", f"127.0.0.1:{self.port}"]
        self._process = subprocess.Popen(self._arguments)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", "/login")
                connection.getresponse().read()
                return self
            except OSError:
                assert self._process.poll() is None, "the panel has ended"
                assert time.monotonic() < deadline, "the panel does not answer"
                time.sleep(0.1)
            finally:
                connection.close()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def begin_anew(self) -> None:
        """At the same address, as after an upgrade; it must have been ended."""
        self._process = subprocess.Popen(self._arguments)
        self.__enter__()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser; each test has contexts of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(page: Page) -> Watched:
    """Collect errors and warnings of the console, CSP reports and faults of scripts among them."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    return Watched(page, complaints)
