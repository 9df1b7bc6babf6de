"""The network is gone when there is no way out for two minutes; a machine that had none misses none."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.events import AlertCleared, AlertRaised, Event
from gateway.sip.network_watch import NetworkWatch, has_default_route

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
LAN = "eth0\t004DA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
OUT = "eth0\t00000000\t014DA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
DOWN = OUT.replace("0003", "0002")
NONE_6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200       lo\n"
OUT_6 = f"{'0' * 32} 00 {'0' * 32} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"


@pytest.mark.parametrize(
    ("routes", "routes_6", "is_there"),
    [
        (HEAD + LAN + OUT, "", True), (HEAD + LAN, NONE_6, False), (HEAD + DOWN, "", False),
        (HEAD, NONE_6 + OUT_6, True),
        (HEAD + OUT.replace("eth0", "gone0"), "", False), (None, None, False),
    ],
)  # fmt: skip
def test_the_kernels_lists_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, routes: str | None, routes_6: str | None, is_there: bool
) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    for name, text in (("route", routes), ("ipv6_route", routes_6)):
        if text is not None:
            (tmp_path / name).write_text(text)
    assert has_default_route(tmp_path / "route", tmp_path / "ipv6_route") is is_there


async def test_an_alert_comes_after_two_minutes_and_goes_when_the_network_is_back() -> None:
    told: list[Event] = []
    connected = [False]
    watching = asyncio.ensure_future(NetworkWatch(told.append, lambda: connected[0]).run())
    try:
        await asyncio.sleep(3600)
        assert told == [], "there never was one"
        connected[0] = True
        await asyncio.sleep(60)
        for seconds, events in ((80, 0), (80, 1), (7200, 1)):
            connected[0] = False
            await asyncio.sleep(seconds)
            assert len(told) == events
        assert told == [AlertRaised(code="network-gone", subject="network", values={})]
        connected[0] = True
        await asyncio.sleep(31)
        assert told[1:] == [AlertCleared(code="network-gone", subject="network")]
        connected[0] = False
        await asyncio.sleep(60)
        connected[0] = True
        await asyncio.sleep(600)
        assert len(told) == 2, "a short break is none"
    finally:
        watching.cancel()
