"""A restore over the API: who may, what is said, and that nothing begins anew for what cannot be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from gateway.backup import sealed_file
from gateway.backup.make import make_backup
from gateway.backup.waiting import WAITING
from gateway.settings import Settings, load_settings
from gateway.store.database import prepare
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.api.served import PASSWORD, Served, serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive

pytestmark = pytest.mark.real_time

PASSPHRASE = "ночь, улица, фонарь"


@pytest.fixture(autouse=True)
def cheap_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_file, "_SCRYPT_COST", 2)


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed_file, "_SCRYPT_COST", 2)
        home = tmp_path_factory.mktemp("old")
        (home / "secrets").mkdir()
        (home / "secrets" / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
        (home / "secrets" / "red-pin").write_text("4829", encoding="utf-8")
        config = home / "gateway.toml"
        config.write_text('data_dir = "data"\n[backup]\npassphrase_file = "secrets/passphrase"\n', encoding="utf-8")
        settings = load_settings(config)
        prepare(settings)
        return make_backup(settings, config).path.read_bytes()


@asynccontextmanager
async def gateway(directory: Path) -> AsyncIterator[tuple[Served, Settings]]:
    settings = Settings(data_dir=directory / "data")
    settings.data_dir.mkdir()
    async with (
        WorkerServer(
            socket=settings.worker_socket, archive=FakeArchive(), recordings_dir=settings.recordings_dir,
            keys=KeyRing(settings.recording_keys_dir), settings=settings,
        ),
        serving(settings.worker_socket) as served,
    ):  # fmt: skip
        yield served, settings


def said(passphrase: str, code: str | None = None) -> dict[str, str]:
    return {"X-Backup-Passphrase": quote(passphrase)} | ({"X-Setup-Code": code} if code is not None else {})


async def test_a_gateway_without_an_owner_begins_with_a_backup(tmp_path: Path, backup: bytes) -> None:
    async with gateway(tmp_path) as (served, settings):
        path = "/api/v1/setup/restore"
        status, answer = await served.ask("PUT", path, data=backup, headers=said(PASSPHRASE, "GUESSED"))
        assert (status, answer["code"]) == (403, "wrong-setup-code")
        status, answer = await served.ask("PUT", path, data=backup, headers=said("wrong passphrase", "SETUP-CODE"))
        assert (status, answer["code"]) == (422, "backup-passphrase-wrong")
        status, answer = await served.ask("PUT", path, data=b"GIF89a", headers=said(PASSPHRASE, "SETUP-CODE"))
        assert (status, answer["code"]) == (422, "backup-foreign")
        assert served.started_again == []
        assert list(settings.data_dir.glob(".restore*")) == []
        status, answer = await served.ask("PUT", path, data=backup, headers=said(PASSPHRASE, "SETUP-CODE"))
        assert status == 200, answer
        assert_fits(answer, "Restored")
        assert answer["left_out"] == ["settings/secrets/red-pin"]
        assert served.started_again == [True]
        assert (settings.data_dir / WAITING / "data" / "simbridge.db").is_file()
        assert await served.accounts.needs_setup(), "the code is good until the backup is in place"


async def test_codes_are_not_tried_out_by_the_hundred(tmp_path: Path) -> None:
    async with gateway(tmp_path) as (served, _):
        for _ in range(5):
            assert (await served.ask("PUT", "/api/v1/setup/restore", headers=said("", "GUESSED")))[0] == 403
        status, answer = await served.ask("PUT", "/api/v1/setup/restore", headers=said("", "SETUP-CODE"))
        assert (status, answer["code"]) == (429, "too-many-tries")


async def test_with_an_owner_only_an_owner_restores(tmp_path: Path, backup: bytes) -> None:
    async with gateway(tmp_path) as (served, settings):
        await served.set_up()
        status, answer = await served.ask(
            "PUT", "/api/v1/setup/restore", data=backup, headers=said(PASSPHRASE, "SETUP-CODE")
        )
        assert (status, answer["code"]) == (409, "setup-done")
        await served.accounts.add_user(name="boris", password=PASSWORD, role="admin", courier=None, by="anna")
        session = await served.accounts.sign_in(name="boris", password=PASSWORD, address="", user_agent="")
        assert session is not None
        status, answer = await served.ask(
            "PUT", "/api/v1/restore", data=backup, headers=said(PASSPHRASE), token=session.token
        )
        assert (status, answer["code"]) == (403, "owners-only")
        assert not (settings.data_dir / WAITING).exists()
        status, answer = await served.ask("PUT", "/api/v1/restore", data=backup, headers=said(PASSPHRASE))
        assert (status, served.started_again) == (200, [True])
