"""Evidence over the API: holds, and listening on record."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.api.served import serving
from tests.fakes.archive import FakeArchive


@pytest.mark.real_time
async def test_recordings_are_held_and_released() -> None:
    async with serving() as served:
        await served.set_up()
        held = served.recorded.evidence.held
        hold, holds, release = "/api/v1/calls/c1/hold", "/api/v1/holds", "/api/v1/holds/release"
        assert await served.ask("POST", hold, json={"why": "order 17"}) == (200, {"held": 1})
        assert held == {"c1": ("anna", "order 17")}
        assert await served.ask("DELETE", hold) == (200, {"released": 1})
        number = {"number": "8 903 111-22-33"}
        assert await served.ask("POST", holds, json={**number, "why": "order 17"}) == (200, {"held": 2})
        assert await served.ask("POST", release, json=number) == (200, {"released": 2})
        assert held == {}
        order = "/api/v1/orders/1001%2F7/hold"
        assert await served.ask("POST", order, json={"why": "no box"}) == (200, {"held": 3})
        assert held == {"order 1001/7": ("anna", "no box")}
        assert await served.ask("DELETE", order) == (200, {"released": 3})
        for method, path, body in (
            ("POST", order, {}), ("POST", order, {"why": ""}),
            ("POST", hold, {}), ("POST", hold, {"why": ""}), ("POST", hold, {"why": "x" * 201}),
            ("POST", holds, {"why": "x"}), ("POST", holds, {"number": "7", "why": "x"}), ("POST", release, {}),
        ):  # fmt: skip
            assert (await served.ask(method, path, json=body))[0] == 400, (path, body)
        assert (await served.ask("POST", "/api/v1/calls/c9/hold", json={"why": "x"}))[0] == 404
        assert (await served.ask("DELETE", "/api/v1/calls/c9/hold"))[0] == 404


@pytest.mark.real_time
async def test_a_hold_is_not_for_every_token() -> None:
    async with serving() as served:
        await served.set_up()
        _, made = await served.ask("POST", "/api/v1/tokens", json={"name": "shop", "scopes": ["shop"]})
        token = made["token"]
        assert (await served.ask("POST", "/api/v1/calls/c1/hold", token=token, json={"why": "x"}))[0] == 200
        assert (await served.ask("DELETE", "/api/v1/calls/c1/hold", token=token))[0] == 403
        assert (await served.ask("DELETE", "/api/v1/orders/1001/hold", token=token))[0] == 403
        _, made = await served.ask("POST", "/api/v1/tokens", json={"name": "reader", "scopes": ["read"]})
        assert (await served.ask("POST", "/api/v1/calls/c1/hold", token=made["token"], json={"why": "x"}))[0] == 403


@pytest.mark.real_time
async def test_who_listens_is_on_record_before_the_first_byte(tmp_path: Path) -> None:
    archive, recordings, socket = FakeArchive(), tmp_path / "recordings", tmp_path / "worker.sock"
    recordings.mkdir()
    (recordings / "a.wav").write_bytes(b"RIFF and so on")
    archive.paths["r1"] = "a.wav"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=recordings, keys=KeyRing(tmp_path / "keys")),
        serving(socket) as served,
    ):
        await served.set_up()
        sound = "/api/v1/recordings/r1"
        assert await served.ask("GET", sound) == (200, "RIFF and so on")
        assert await served.ask("GET", sound + "?download=true") == (200, "RIFF and so on")
        assert (await served.ask("HEAD", sound))[0] == 200
        assert served.recorded.evidence.heard == [("r1", "anna", False), ("r1", "anna", True)]


@pytest.mark.real_time
async def test_a_recording_is_paused_while_the_call_runs() -> None:
    async with serving() as served:
        await served.set_up()
        pause, resume = "/api/v1/calls/c1/recording/pause", "/api/v1/calls/c1/recording/resume"
        assert (await served.ask("POST", pause))[0] == 204
        assert served.recorded.paused == {"c1": True}
        assert (await served.ask("POST", resume))[0] == 204
        assert served.recorded.paused == {"c1": False}
        assert (await served.ask("POST", "/api/v1/calls/unknown/recording/pause"))[0] == 404
        status, problem = await served.ask("POST", "/api/v1/calls/c2/recording/pause")
        assert (status, problem["code"]) == (409, "not-now")
