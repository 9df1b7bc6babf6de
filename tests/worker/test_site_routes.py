"""The worker's report on visitors of the web site, and their calls as a file that Metrica reads."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from tests.fakes.archive import FakeArchive

OLGA = "+79035550001"


class FakeSite:
    """Answers as it was told to."""

    def widget(self, since: datetime, until: datetime) -> dict[str, object]:
        return {"since": since.isoformat(), "until": until.isoformat()}

    def metrica(self, since: datetime, until: datetime, key: str) -> tuple[list[str], list[list[object]]]:
        if key == "UserId":
            raise KeyError(key)
        return [key, "DateTime", "PhoneNumber", "URL"], [["1", int(since.timestamp()), OLGA, "https://a.example/?a,b"]]


@pytest.mark.real_time
async def test_the_file_is_plain_for_a_machine(tmp_path: Path) -> None:
    socket = tmp_path / "worker.sock"
    server = WorkerServer(
        socket=socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path / "keys"), site=FakeSite()
    )
    period = "since=2026-03-01T00:00:00Z&until=2026-03-31T00:00:00Z"
    async with server, aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as client:

        async def ask(path: str) -> tuple[int, str]:
            async with client.get(f"http://worker/api/v1/widget/{path}") as answer:
                return answer.status, await answer.text()

        status, text = await ask(f"metrica?{period}")
        assert status == 200
        assert list(csv.reader(io.StringIO(text))) == [
            ["ClientId", "DateTime", "PhoneNumber", "URL"], ["1", "1772323200", OLGA, "https://a.example/?a,b"],
        ]  # fmt: skip
        assert text.startswith("ClientId,"), "no mark of the byte order"
        assert (await ask(f"metrica?{period}&by=Yclid"))[1].startswith("Yclid,")
        too_long = "since=2020-01-01T00:00:00Z&until=2026-01-01T00:00:00Z"
        for wrong in ("metrica", f"metrica?{period}&by=UserId", "report?since=x&until=y", f"report?{too_long}"):
            assert (await ask(wrong))[0] == 400
        assert (await ask(f"report?{period}"))[0] == 200
