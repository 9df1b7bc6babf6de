"""Held for a dispute, and who has listened, on the page of the call."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of


def test_a_call_is_held_and_released_by_buttons(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.archive.call_rows = [call_row()]
    token = csrf_of(owner, "/calls/c1")
    answer = owner.post("/calls/c1/hold", data={"csrf_token": token, "why": "order 17"}, follow_redirects=True)
    assert "The recordings of this call are kept for a dispute." in answer.text
    assert gateway.recorded.evidence.held == {"c1": ("anna", "order 17")}
    row = call_row()
    row["recordings"][0]["held"] = {"by": "anna", "at": "2027-01-29T09:02:00.000Z", "why": "order 17"}  # type: ignore[index]  # a row of JSON
    gateway.archive.call_rows = [row]
    page = owner.get("/calls/c1").text
    assert re.search(r"anna, .*29.*: order 17", page)
    owner.post("/calls/c1/release", data={"csrf_token": token})
    assert gateway.recorded.evidence.held == {}


def test_every_recording_of_an_order_is_held_and_released(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.keep_order("1001")
    token = csrf_of(owner, "/orders/1001")
    answer = owner.post("/orders/1001/hold", data={"csrf_token": token, "why": "no box"}, follow_redirects=True)
    assert "Recordings of this order kept for the dispute: 3." in answer.text
    assert gateway.recorded.evidence.held == {"order 1001": ("anna", "no box")}
    answer = owner.post("/orders/1001/release", data={"csrf_token": token}, follow_redirects=True)
    assert "no longer kept for a dispute: 3." in answer.text
    assert gateway.recorded.evidence.held == {}


def test_all_that_is_kept_of_an_order_is_a_file(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.keep_order("1001")
    assert 'href="/orders/1001/evidence.zip"' in owner.get("/orders/1001").text
    assert owner.get("/orders/1001/evidence.zip").status_code == 404, "the archive knows no such order"
    assert gateway.recorded.evidence.heard == [("order 1001", "anna", True)]


def test_the_packets_of_a_running_call_are_a_file_and_on_record(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.archive.call_rows = [call_row()]
    assert "Record the packets" not in owner.get("/calls/c1").text, "it is over"
    gateway.archive.call_rows = [call_row("c1", ended_at=None, recordings=[])]
    token = csrf_of(owner, "/calls/c1")
    for seconds, asked in (("30", "30.0"), ("9999", "10.0")):
        gateway.company.asked.clear()
        answer = owner.post("/calls/c1/packets", data={"csrf_token": token, "seconds": seconds})
        assert (answer.status_code, answer.data) == (200, b"pcap")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="c1.pcap"'
        assert gateway.company.asked == [("audit", "c1", "anna", "", "packets"), ("capture", "c1", asked)]
    assert owner.post("/calls/c9/packets", data={"csrf_token": token}).status_code == 404


def test_the_page_says_who_has_listened(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.archive.call_rows = [call_row()]
    assert "Nobody yet." in owner.get("/calls/c1").text
    gateway.archive.details["c1"] = {
        "listenings": [
            {"time": "2027-01-30T09:00:00.000Z", "by": "anna", "recording_id": "r-c1", "downloaded": False},
            {"time": "2027-01-30T09:05:00.000Z", "by": "boris", "recording_id": "r-c1", "downloaded": True},
        ]
    }
    page = owner.get("/calls/c1").text
    assert page.index("anna listened") < page.index("boris downloaded it")


def test_the_panel_tells_a_download_from_a_listening(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.keep_recording("r-c1")
    owner.get("/recordings/r-c1.wav")
    owner.get("/recordings/r-c1.wav?download=1")
    assert gateway.recorded.evidence.heard == [("r-c1", "anna", False), ("r-c1", "anna", True)]
