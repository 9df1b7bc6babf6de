"""Joining a running call by the API: who may, what is on record, and what a wrong request is told."""

from __future__ import annotations

import pytest

from gateway.events import CallStarted, LegStarted, PartyJoined, PartyLeft
from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time


async def test_who_joins_is_on_record_before_a_phone_rings() -> None:
    async with serving() as served:
        await served.set_up()
        wish = {"extension": "102", "mode": "listen"}
        status, answer = await served.ask("POST", "/api/v1/calls/c1/listeners", json=wish)
        assert (status, answer) == (202, wish)
        status, answer = await served.ask("POST", "/api/v1/calls/c1/parties", json={"extension": "103"})
        assert (status, answer) == (202, {"extension": "103", "mode": "conference"})
        await served.ask("POST", "/api/v1/calls/c1/listeners", json={"extension": "102", "mode": "barge"})
        assert served.company.asked == [
            ("audit", "c1", "anna", "102", "listen"), ("join", "102", "listen", "anna"),
            ("audit", "c1", "anna", "103", "conference"), ("join", "103", "speak", "anna"),
            ("audit", "c1", "anna", "102", "barge"), ("join", "102", "speak", "anna"),
        ]  # fmt: skip
        assert await served.ask("DELETE", "/api/v1/calls/c1/parties/l2") == (204, "")
        assert served.company.asked[-1] == ("drop", "l2")
        await served.ask("POST", "/api/v1/calls/c1/parties", json={"extension": "103", "mode": "consult"})
        assert served.company.asked[-2:] == [
            ("audit", "c1", "anna", "103", "consult"), ("join", "103", "consult", "anna"),
        ]  # fmt: skip
        assert await served.ask("POST", "/api/v1/calls/c1/parties/l2/hand-over") == (204, "")
        assert served.company.asked[-1] == ("hand-over", "l2")


async def test_what_cannot_be_is_said() -> None:
    async with serving() as served:
        await served.set_up()
        for path, body, expected in (
            ("c1/listeners", {"extension": "102", "mode": "spy"}, (400, "bad-request")),
            ("c1/listeners", {"extension": "102"}, (400, "bad-request")),
            ("c1/parties", {"extension": ""}, (400, "bad-request")),
            ("c1/parties", {"extension": "102", "mode": "listen"}, (400, "bad-request")),
            ("c1/listeners", {"extension": "102", "mode": "whisper"}, (409, "not-now")),
            ("c1/parties", {"extension": "109"}, (409, "not-now")),
            ("c1/parties", {"extension": "999"}, (404, "not-found")),
            ("c9/parties", {"extension": "102"}, (404, "not-found")),
        ):
            status, answer = await served.ask("POST", f"/api/v1/calls/{path}", json=body)
            assert (status, answer["code"]) == expected, path
        for path, expected in (("c1/parties/l1", (409, "not-now")), ("c9/parties/l2", (404, "not-found"))):
            status, answer = await served.ask("DELETE", f"/api/v1/calls/{path}")
            assert (status, answer["code"]) == expected, path
            status, answer = await served.ask("POST", f"/api/v1/calls/{path}/hand-over")
            assert (status, answer["code"]) == expected, path


async def test_the_snapshot_shows_who_has_joined() -> None:
    async with serving() as served:
        await served.set_up()
        served.bus.publish(
            CallStarted(call_id="c1", direction="incoming", caller="+79031112233", called="red", line="red", flow="x")
        )
        served.bus.publish(
            LegStarted(call_id="c1", leg_id="l3", kind="sip", direction="outgoing", peer="102", line=None)
        )
        roles = []
        for event in (
            PartyJoined(call_id="c1", leg_id="l3", peer="102", role="whisper", by="anna"),
            PartyLeft(call_id="c1", leg_id="l3", peer="102"),
        ):
            served.bus.publish(event)
            _, picture = await served.ask("GET", "/api/v1/snapshot")
            assert_fits(picture, "Snapshot")
            roles.append(picture["calls"][0]["legs"][0]["role"])
        assert roles == ["whisper", None]


async def test_how_late_voices_were_served_is_a_histogram() -> None:
    async with serving() as served:
        await served.set_up()
        status, text = await served.ask("GET", "/api/v1/metrics")
        assert status == 200
        lines = text.splitlines()
        buckets = [line for line in lines if "_bucket" in line]
        assert buckets[0] == 'simbridge_voice_lateness_seconds_bucket{le="0.0001"} 2'
        assert 'simbridge_voice_lateness_seconds_bucket{le="0.002"} 2' in lines
        assert 'simbridge_voice_lateness_seconds_bucket{le="0.005"} 3' in lines
        assert buckets[-1] == 'simbridge_voice_lateness_seconds_bucket{le="+Inf"} 3'
        assert {"simbridge_voice_lateness_seconds_sum 0.003100", "simbridge_voice_lateness_seconds_count 3"} <= {*lines}
        assert {"simbridge_voice_lateness_worst_seconds 0.003000", "simbridge_calls 3"} <= {*lines}


async def test_the_wires_of_a_running_call_are_shown_and_its_packets_given_on_record() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("GET", "/api/v1/calls/c1/trace")
        assert status == 200
        assert [line["text"] for line in answer["lines"]] == ["RING", "INVITE"]
        assert await served.ask("GET", "/api/v1/calls/c1/pcap?seconds=3") == (200, "pcap")
        assert served.company.asked == [("audit", "c1", "anna", "", "packets"), ("capture", "c1", "3.0")]
        for path, expected in (
            ("c9/trace", (404, "not-found")),
            ("c9/pcap", (404, "not-found")),
            ("c1/pcap?seconds=0", (400, "bad-request")),
            ("c1/pcap?seconds=61", (400, "bad-request")),
            ("c1/pcap?seconds=x", (400, "bad-request")),
            ("c1/pcap?seconds=" + "9" * 5000, (400, "bad-request")),
        ):
            status, answer = await served.ask("GET", f"/api/v1/calls/{path}")
            assert (status, answer["code"]) == expected, path
