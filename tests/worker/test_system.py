"""The state of the machine as the panel shows it: findings, backups with their age, the log without secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.support import bundle
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.api.served import Served, serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive
from tests.fakes.upkeep import BUNDLE, FakeBackups

pytestmark = pytest.mark.real_time


@asynccontextmanager
async def gateway(settings: Settings) -> AsyncIterator[Served]:
    settings.backup_dir.mkdir(parents=True)
    async with (
        WorkerServer(
            socket=settings.worker_socket, archive=FakeArchive(), recordings_dir=settings.recordings_dir,
            keys=KeyRing(settings.recording_keys_dir), settings=settings, backups=FakeBackups(),
        ),
        serving(settings.worker_socket) as served,
    ):  # fmt: skip
        await served.set_up()
        yield served


async def test_how_the_machine_stands(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    async with gateway(settings) as served:
        status, answer = await served.ask("GET", "/api/v1/system", headers={"Accept-Language": "ru"})
        assert status == 200
        assert_fits(answer, "System")
        assert answer["backups"] == {"state": "off", "reason": None, "passphrase": "nowhere", "items": []}
        codes = {finding["code"]: finding for finding in answer["findings"]}
        assert {"clock-set", "data-writable"} <= codes.keys()
        assert "можно писать" in codes["data-writable"]["title"]

        settings.backup_passphrase.write_text("long enough for this")
        made = datetime.now(UTC) - timedelta(days=3)
        name = f"simbridge-{made:%Y%m%d-%H%M%S}.backup"
        (settings.backup_dir / name).write_bytes(b"sealed")
        (settings.backup_dir / "before-2.db").write_bytes(b"a plain store")
        _, answer = await served.ask("GET", "/api/v1/system")
        assert answer["backups"]["state"] == "old"
        assert [(each["name"], each["size_bytes"]) for each in answer["backups"]["items"]] == [(name, 6)]
        assert await served.ask("GET", f"/api/v1/backups/{name}") == (200, "sealed")
        for other in ("before-2.db", "..%2Fbackup-passphrase", "x"):
            assert (await served.ask("GET", f"/api/v1/backups/{other}"))[0] == 404
        status, answer = await served.ask("POST", "/api/v1/backups")
        assert (status, answer["making"]["step"]) == (202, "sealing")
        assert_fits(answer, "Backups")
        assert (await served.ask("GET", "/api/v1/backups"))[1]["making"] == {
            "step": "sealing", "done_bytes": 0, "all_bytes": 0,
        }  # fmt: skip


async def test_the_log_is_shown_without_what_is_personal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "Mar 02 simbridge: a call from +79161234567 to 101; the passphrase is open sesame 1234\n"
    monkeypatch.setattr(bundle, "journal", lambda _lines: said)
    settings = Settings(data_dir=tmp_path / "data")
    async with gateway(settings) as served:
        settings.backup_passphrase.write_text("open sesame 1234")
        for limit in ("0", "5001", "x", "-1"):
            assert (await served.ask("GET", f"/api/v1/system/log?limit={limit}"))[0] == 400
        status, answer = await served.ask("GET", "/api/v1/system/log")
        assert_fits(answer, "LogLines")
        (line,) = answer["lines"]
        assert (status, "9161234567" in line, "sesame" in line, "to 101" in line) == (200, False, False, True)


async def test_the_support_bundle_is_a_download(tmp_path: Path) -> None:
    async with gateway(Settings(data_dir=tmp_path / "data")) as served:
        headers = {"Authorization": f"Bearer {served.token}"}
        async with served.client.get(served.url("/api/v1/support-bundle"), headers=headers) as answer:
            assert (answer.status, await answer.read()) == (200, BUNDLE)
            assert "simbridge-support-" in answer.headers["Content-Disposition"]
