"""The calls of several gateways in the panel."""

from __future__ import annotations

from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.rows import call_row


def test_the_list_says_whose_a_call_is_and_how_far_each_gateway_is(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1")]
    gateway.shared.rows_waiting = 12
    page = owner.get("/gateways?gateway=g2&show=missed&search=7903&from=2027-01-29").text
    assert "North" in page
    assert "It is still sending what it had." in page
    assert "12 rows and 0 recordings" in page
    assert "Available here" in page
    wanted = gateway.shared.asked[-1]
    assert (wanted.gateway, wanted.outcome, wanted.search) == ("g2", "missed", "7903")
    assert wanted.since is not None


def test_a_call_of_another_gateway_is_heard_and_that_is_on_record(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row("c1")]
    gateway.shared.files["r-c1.wav"] = content = gateway.keep_recording("r-c1")
    assert "/gateways/recordings/r-c1.wav" in owner.get("/gateways/calls/c1").text
    sound = owner.get("/gateways/recordings/r-c1.wav", headers={"Range": "bytes=10-19"})
    assert (sound.status_code, sound.data) == (206, content[10:20])
    assert owner.get("/gateways/recordings/r-c1.wav?download").data == content
    assert [(heard[0], heard[2]) for heard in gateway.recorded.evidence.heard] == [("r-c1", False), ("r-c1", True)]
    assert owner.get("/gateways/recordings/r-c9.wav").status_code == 404
