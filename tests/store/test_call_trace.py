"""`simbridge call trace`, and asking the daemon for packets: what is printed, and what is said when it cannot be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.api.asking import ask_for_file
from gateway.cli import main
from gateway.events import CallStarted, CallTraced, EventBus, TracedLine
from gateway.ids import new_id
from gateway.settings import Settings
from gateway.store.call_trace import trace_of
from gateway.store.store import open_store
from tests.api.served import serving
from tests.store.conftest import HandClock
from tests.store.test_journal import tell_a_call


async def test_the_story_of_a_call_with_what_its_wires_said(places: Settings, clock: HandClock, bus: EventBus) -> None:
    call_id, running = new_id(), new_id()
    async with open_store(places, clock, bus):
        tell_a_call(bus, clock, call_id)
        lines = (
            TracedLine(-0.5, "at", "in", "red", "RING"),
            TracedLine(0.15, "sip", "out", "10.0.0.2:5060", "INVITE sip:101@10.0.0.2 [1 INVITE]"),
            TracedLine(9.5, "audio", "", "101", "-21 dBFS, a voice in 60%"),
        )
        bus.publish(CallTraced(call_id=call_id, lines=lines))
        bus.publish(
            CallStarted(
                call_id=running, direction="internal", caller="101", called="102", line=None, flow="ring_phones"
            )
        )
    text = trace_of(places, call_id)
    assert text is not None
    told = [line.split() for line in text.splitlines()]
    assert told[0] == ["2026-03-02T09:00:00.000Z", "incoming:", "+…433", "to", "red"]
    assert [line[:3] for line in told[1:6]] == [
        ["-0.500", "AT", "<-"],
        ["0.000", "leg.started", "kind=gsm"],
        ["0.000", "call.started", "direction=incoming"],
        ["0.100", "leg.started", "kind=sip"],
        ["0.150", "SIP", "->"],
    ]
    assert told[5][3:] == ["10.0.0.2:5060", "INVITE", "sip:101@10.0.0.2", "[1", "INVITE]"]
    assert any(line[1:3] == ["AUDIO", "101"] for line in told)
    assert any("level_dbfs=-21.4" in line for line in told)
    assert "call.traced" not in text
    assert trace_of(places, "none") is None
    unfinished = trace_of(places, running)
    assert unfinished is not None
    assert unfinished.endswith("is kept when it is over.")


def test_the_command_says_when_there_is_no_such_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    (tmp_path / "data").mkdir()

    async def make() -> None:
        from gateway.clock import utc_now
        from gateway.settings import load_settings

        async with open_store(load_settings(config), utc_now, EventBus(utc_now)):
            pass

    asyncio.run(make())
    assert main(["call", "trace", "none", "--config", str(config)]) == 1
    assert "There is no such call." in capsys.readouterr().err


@pytest.mark.real_time
async def test_the_packets_are_written_to_a_file_or_the_reason_is_said(tmp_path: Path) -> None:
    async with serving() as served:
        await served.set_up()
        bind = f"127.0.0.1:{served.server.port}"

        async def ask(path: str, token: str | None, output: Path = tmp_path / "x.pcap") -> str | None:
            return await asyncio.to_thread(ask_for_file, bind, path, token, output)

        assert await ask("/api/v1/calls/c1/pcap", served.token) is None
        assert (tmp_path / "x.pcap").read_bytes() == b"pcap"
        assert "SIMBRIDGE_TOKEN" in (await ask("/api/v1/calls/c1/pcap", None) or "")
        assert await ask("/api/v1/calls/c9/pcap", served.token)
        assert "SIMBRIDGE_TOKEN" in (await ask("/api/v1/calls/c1/pcap", "a-wrong-token") or "")
        assert "written" in (await ask("/api/v1/calls/c1/pcap", served.token, tmp_path / "no" / "x") or "")
    assert "does not answer" in (await asyncio.to_thread(ask_for_file, bind, "/", "token", tmp_path / "x") or "")
