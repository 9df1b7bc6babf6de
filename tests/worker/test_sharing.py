"""Two gateways with one real PostgreSQL and one real S3 server: rows and recordings go there, and are answered."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from sqlalchemy import select, update

from gateway.replication_settings import ReplicationSettings
from gateway.settings import Settings
from gateway.store.replication.change_log import ChangeLog
from gateway.store.replication.schema_replication import stored_recordings
from gateway.store.replication.shared_store import open_shared
from gateway.store.schema import recordings
from gateway.store.stored_sounds import StoredSounds
from gateway.worker.recording_store import RecordingStore, RecordingStoreAway
from gateway.worker.replicating import RowSending, SoundSending
from gateway.worker.sealed import KeyRing, seal
from gateway.worker.server import WorkerServer
from gateway.worker.sharing import Sharing
from tests.fakes.archive import FakeArchive
from tests.store.replication.postgres import Postgres, postgres
from tests.store.replication.replication_box import Box
from tests.worker.s3_server import BUCKET, S3Server, s3_server

SOUND = bytes(range(256)) * 200


class Gateway(Box):
    """A store whose rows and recordings are sent by what the worker runs."""

    def __init__(self, directory: Path, place: ReplicationSettings) -> None:
        self.settings = Settings(data_dir=directory, replication=place)
        self.settings.recordings_dir.mkdir()
        self.url = place.database or ""
        super().__init__(directory, open_shared(place), place.name or "")
        self.keys = KeyRing(directory / "recording-keys")

    def record(self, *, sealed: bool = False, content: bytes = SOUND) -> str:
        """A call with a recording that the worker has made what it makes of one; the recording's id."""
        call_id = self.call()
        file = self.settings.recordings_dir / f"{call_id}.wav"
        file.write_bytes(content)
        values = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        if sealed:
            shut = file.with_name(file.name + ".sealed")
            seal(file, shut, self.keys)
            values |= {"path": shut.name, "file_sha256": hashlib.sha256(shut.read_bytes()).hexdigest()}
        with self.writing() as connection:
            connection.execute(update(recordings).where(recordings.c.call_id == call_id).values(values))
            return str(connection.execute(select(recordings.c.id).where(recordings.c.call_id == call_id)).scalar_one())

    def send_rows(self) -> None:
        with RowSending(self.settings) as sending:
            while sending.step():
                pass

    def send_sounds(self) -> None:
        with StoredSounds(self.settings) as sounds:
            sending = SoundSending(sounds, RecordingStore(self.settings.replication), self.settings.recordings_dir)
            while sending.step():
                pass

    def send(self) -> None:
        self.send_sounds()
        self.send_rows()

    def stored(self) -> dict[str, Any]:
        with self.writing() as connection:
            return {row.id: row for row in connection.execute(select(stored_recordings))}

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[Callable[[str], Any]]:
        """What the worker answers to a path: the status and the body."""
        with Sharing(self.settings, self.keys) as sharing:
            server = WorkerServer(
                socket=self.settings.worker_socket, archive=FakeArchive(), recordings_dir=self.settings.recordings_dir,
                keys=self.keys, shared=sharing.routes,
            )  # fmt: skip
            async with (
                server,
                aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(self.settings.worker_socket))) as client,
            ):

                async def ask(path: str) -> tuple[int, Any]:
                    async with client.get(f"http://worker/api/v1/gateways{path}") as answer:
                        is_json = "json" in answer.content_type
                        return answer.status, await (answer.json(content_type=None) if is_json else answer.read())

                yield ask


MakeGateway: TypeAlias = Callable[..., Gateway]


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server() as running:
        secret = tmp_path_factory.mktemp("key") / "key"
        secret.write_text(running.secret_key)
        RecordingStore(_place(running, secret)).remove("nothing")  # its library starts threads that stay
        yield running


@pytest.fixture
def make_gateway(tmp_path: Path, database: Postgres, bucket: S3Server, new_store: Path) -> MakeGateway:
    url = database.new_database()
    secret = tmp_path / "secret"
    secret.write_text(bucket.secret_key + "\n")
    place = replace(_place(bucket, secret), database=url)

    def make(name: str = "North", **changes: Any) -> Gateway:
        shutil.copytree(new_store, tmp_path / name)
        return Gateway(tmp_path / name, replace(place, name=name, **changes))

    return make


def _place(bucket: S3Server, secret: Path) -> ReplicationSettings:
    return ReplicationSettings(
        s3_endpoint=bucket.url, s3_bucket=BUCKET, s3_access_key=bucket.access_key, s3_secret_key_file=str(secret)
    )


@pytest.mark.real_time
async def test_calls_of_both_are_listed_filtered_and_heard_at_either(make_gateway: MakeGateway) -> None:
    north, south = make_gateway("North"), make_gateway("South")
    sounds = {gateway.name: await asyncio.to_thread(gateway.record) for gateway in (north, south)}
    lines = {
        gateway.name: gateway.call(f"+7916000000{number}", recorded=False)
        for number, gateway in enumerate((north, south))
    }
    for gateway in (north, south):
        await asyncio.to_thread(gateway.send)
    async with south.worker() as ask:
        _, known = await ask("")
        assert [each["name"] for each in known["items"]] == ["North", "South"]
        assert all(each["caught_up_at"] for each in known["items"])
        assert known["own"] == {"id": south.gateway_id, "rows": 0, "since": None, "recordings": 0}
        _, page = await ask("/calls")
        assert sorted(each["gateway"]["name"] for each in page["items"]) == ["North", "North", "South", "South"]
        _, first = await ask("/calls?limit=3")
        _, second = await ask(f"/calls?limit=3&cursor={first['next']}")
        assert [each["id"] for each in (*first["items"], *second["items"])] == [each["id"] for each in page["items"]]
        _, of_north = await ask(f"/calls?gateway={north.gateway_id}")
        assert {each["gateway"]["name"] for each in of_north["items"]} == {"North"}
        _, found = await ask("/calls?search=8916000-00-00")
        assert [each["id"] for each in found["items"]] == [lines["North"]]
        _, missed = await ask("/calls?outcome=missed&direction=incoming&since=2026-03-02T00:00:00Z")
        assert missed["items"] == []
        status, call = await ask(f"/calls/{lines['North']}")
        assert (status, call["gateway"]["name"]) == (200, "North")
        assert [each["type"] for each in call["timeline"]] == ["call.started", "call.traced"]
        assert await ask(f"/recordings/{sounds['North']}") == (200, SOUND)
        assert (await ask("/calls/none"))[0] == 404
        assert (await ask("/calls?cursor=x"))[0] == 400
        assert (await ask("/recordings/none"))[0] == 404


@pytest.mark.real_time
async def test_a_sealed_recording_is_heard_where_its_key_is(make_gateway: MakeGateway) -> None:
    north, south = make_gateway("North"), make_gateway("South")
    sound = await asyncio.to_thread(lambda: north.record(sealed=True))
    await asyncio.to_thread(north.send)
    async with south.worker() as ask:
        assert (await ask(f"/recordings/{sound}"))[1]["code"] == "recording-key-missing"
        shutil.copytree(north.keys._directory, south.keys._directory)
        assert await ask(f"/recordings/{sound}") == (200, SOUND)


@pytest.mark.real_time
async def test_what_is_erased_goes_from_both_stores(make_gateway: MakeGateway, bucket: S3Server) -> None:
    north = make_gateway()
    sound = await asyncio.to_thread(north.record)
    await asyncio.to_thread(north.send)
    name = north.stored()[sound].name
    assert name in bucket.names()
    with north.writing() as connection:
        call_id = connection.execute(select(recordings.c.call_id)).scalar_one()
    north.erase(call_id)
    async with north.worker() as ask:
        await asyncio.to_thread(north.send)
        assert name not in bucket.names()
        assert (await ask(f"/recordings/{sound}"))[0] == 404
        _, call = await ask(f"/calls/{call_id}")
    assert (call["caller"], call["caller_name"], call["recordings"]) == ("", "", [])
    assert north.stored() == {}


@pytest.mark.real_time
async def test_another_file_under_that_name_is_not_played(make_gateway: MakeGateway, bucket: S3Server) -> None:
    north = make_gateway()
    sound = await asyncio.to_thread(north.record)
    await asyncio.to_thread(north.send)
    bucket.put(north.stored()[sound].name, b"something else")
    async with north.worker() as ask:
        assert (await ask(f"/recordings/{sound}"))[1]["code"] == "recording-away"


def test_a_file_that_is_not_what_was_recorded_is_not_passed_on(make_gateway: MakeGateway, bucket: S3Server) -> None:
    north = make_gateway()
    north.record()
    rotten = north.record()
    with north.writing() as connection:
        path = connection.execute(select(recordings.c.path).where(recordings.c.id == rotten)).scalar_one()
    (north.settings.recordings_dir / path).write_bytes(b"rotten")
    north.send_sounds()
    assert rotten not in north.stored()
    assert len(north.stored()) == 1


def test_killed_between_the_file_and_its_row(
    make_gateway: MakeGateway, bucket: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there, and nobody knows whether; it is sent again, or goes if the recording was removed meanwhile."""
    north = make_gateway()
    kept, erased = north.record(), north.record()

    def killed(*_arguments: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(StoredSounds, "is_stored", killed)
        with pytest.raises(RuntimeError):
            north.send_sounds()
    (only,) = north.stored().values()
    assert only.stored_at is None
    assert only.name in bucket.names()
    with north.writing() as connection:
        connection.execute(update(recordings).where(recordings.c.id == only.id).values(path="", deleted_at=north.now))
    north.send_sounds()
    assert only.name not in bucket.names()
    assert set(north.stored()) == {kept, erased} - {only.id}


@pytest.mark.real_time
async def test_each_store_may_be_away_while_the_other_is_there(
    make_gateway: MakeGateway, database: Postgres, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    north = make_gateway(s3_secret_key_file=str(wrong))
    await asyncio.to_thread(north.record)
    with pytest.raises(RecordingStoreAway):
        await asyncio.to_thread(north.send_sounds)
    await asyncio.to_thread(north.send_rows)
    north.call(recorded=False)
    async with north.worker() as ask:
        _, page = await ask("/calls")
        assert [each["is_stored"] for call in page["items"] for each in call["recordings"]] == [False]
        with database.away(north.url):
            status, known = await ask("")
            assert (status, known["is_away"], known["own"]["rows"], known["own"]["recordings"]) == (200, True, 4, 1)
            status, problem = await ask("/calls")
            assert (status, problem["code"]) == (503, "shared-database-away")
        await asyncio.to_thread(north.send_rows)
        assert len((await ask("/calls"))[1]["items"]) == 2


@pytest.mark.real_time
async def test_a_gateway_alone_notes_nothing_and_says_so(tmp_path: Path, new_store: Path) -> None:
    shutil.copytree(new_store, tmp_path / "data")
    settings = Settings(data_dir=tmp_path / "data")
    with ChangeLog(settings) as log:
        log.begin()
    with Sharing(settings, KeyRing(tmp_path)) as sharing:
        for task in sharing.tasks():
            await task
        server = WorkerServer(
            socket=settings.worker_socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path),
            shared=sharing.routes,
        )  # fmt: skip
        async with (
            server,
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(settings.worker_socket))) as client,
            client.get("http://worker/api/v1/gateways") as answer,
        ):
            assert (answer.status, (await answer.json())["code"]) == (404, "not-shared")
