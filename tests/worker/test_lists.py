"""Lists through the API: the filters reach the archive as typed values, and nonsense is refused."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.messages import words
from gateway.worker.sealed import KeyRing
from gateway.worker.seams import CallFilter, MessageFilter
from gateway.worker.sent_table import ROWS_AT_A_TIME
from gateway.worker.server import WorkerServer
from tests.api.served import serving
from tests.fakes.archive import FakeArchive
from tests.fakes.rows import call_row, message_row

pytestmark = pytest.mark.real_time


async def test_filters_arrive_as_they_were_asked(tmp_path: Path) -> None:
    archive = FakeArchive()
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        query = (
            "direction=incoming&outcome=missed&courier=2001&line=red&search=%2B7916%20%D0%98%D0%B2&recorded=false&tag=%D0%BE%D0%BF%D1%82"
            "&since=2027-01-31T12:00:00%2B03:00&until=2027-02-01T00:00:00Z&limit=5&cursor=0"
        )
        status, answer = await served.ask("GET", f"/api/v1/calls?{query}")
        assert (status, answer) == (200, {"items": [], "next": None})
        assert archive.asked == [
            CallFilter(
                direction="incoming", outcome="missed", courier="2001", line="red", search="+7916 Ив", recorded=False,
                tag="опт", since=datetime(2027, 1, 31, 9, tzinfo=UTC), until=datetime(2027, 2, 1, tzinfo=UTC),
            )
        ]  # fmt: skip
        await served.ask("GET", "/api/v1/messages?line=red&search=code")
        assert archive.asked[-1] == MessageFilter(line="red", search="code")
        await served.ask("GET", "/api/v1/messages?peer=%2B79161234567&direction=outgoing&state=unknown")
        assert archive.asked[-1] == MessageFilter(peer="+79161234567", direction="outgoing", state="unknown")
        await served.ask("GET", "/api/v1/conversations?search=code")
        assert archive.asked[-1] == MessageFilter(search="code")
        for path in ("/api/v1/messages?state=lost", "/api/v1/messages?direction=internal"):
            assert (await served.ask("GET", path))[0] == 400


@pytest.mark.parametrize(
    "query",
    ["direction=sideways", "outcome=lost", "recorded=maybe", "limit=0", "limit=201", "limit=x", "limit=-1", "limit=٣",
     "since=yesterday", "since=2027-01-31T12:00:00", "until=99999", "cursor=nonsense", "search=" + "x" * 65,
     "search=%00", "since=0001-01-01T00:00:00%2B14:00"],
)  # fmt: skip
async def test_nonsense_is_refused_in_words(tmp_path: Path, query: str) -> None:
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        status, answer = await served.ask("GET", f"/api/v1/calls?{query}", headers={"Accept-Language": "ru"})
        assert (status, answer["code"]) == (400, "bad-request")
        assert answer["detail"]


async def test_pages_follow_each_other_without_loss(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.message_rows = [{"id": str(number)} for number in range(120)]
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        seen, cursor = [], ""
        while True:
            _, answer = await served.ask("GET", f"/api/v1/messages?cursor={cursor}")
            seen += [row["id"] for row in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
        assert seen == [str(number) for number in range(120)]


async def test_a_message_by_its_id(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.message_rows = [{"id": "m1"}]
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        assert await served.ask("GET", "/api/v1/messages/m1") == (200, {"id": "m1", "pieces": []})
        assert (await served.ask("GET", "/api/v1/messages/m2"))[0] == 404


async def test_a_call_by_its_id(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.call_rows = [{"id": "c1"}]
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        assert await served.ask("GET", "/api/v1/calls/c1") == (
            200,
            {"id": "c1", "legs": [], "timeline": [], "notes": [], "listenings": [], "visit": None},
        )
        status, answer = await served.ask("GET", "/api/v1/calls/c2", headers={"Accept-Language": "ru"})
        assert (status, answer["code"], answer["title"]) == (404, "not-found", "Такого здесь нет.")


async def test_calls_as_a_table_of_every_page(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.call_rows = [
        call_row(f"c{number}", caller_name="=cmd()", cost=1.5, order="10-7", tags=["опт", "срочно"])
        for number in range(ROWS_AT_A_TIME + 2)
    ]
    archive.call_rows[1] = call_row("c1", answered_at=None, cause="busy", direction="internal", recordings=[])
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        path = "/api/v1/calls?format=csv&direction=incoming&limit=1&zone=Europe/Moscow"
        status, table = await served.ask("GET", path, headers={"Accept-Language": "ru"})
        assert status == 200
        assert archive.asked == [CallFilter(direction="incoming")] * 2, "the filters are those of the list"
        head, first, second, *more = table.removeprefix("\ufeff").splitlines()
        assert head.startswith("Начало;Направление;Кто звонил;")
        assert first == (
            "2027-01-29 12:00:00;Входящие;'+79031112233;'=cmd();red;red;;10-7;101;8;52;1,5;Разговор закончен;1;"
            "опт, срочно"
        )
        assert second.startswith("2027-01-29 12:00:00;Между телефонами;")
        assert second.endswith(";;52;;Занято;0;")
        assert len(more) == ROWS_AT_A_TIME
        assert "\ufeff" not in table[1:]
        assert (await served.ask("GET", "/api/v1/calls?format=csv&zone=../etc/passwd"))[0] == 400
        assert (await served.ask("GET", "/api/v1/calls?format=xls"))[0] == 400


async def test_messages_as_a_table_in_which_no_text_is_a_formula(tmp_path: Path) -> None:
    archive = FakeArchive()
    archive.message_rows = [
        message_row("m1", text='=HYPERLINK(1)\nтекст; с "кавычками"'),
        message_row(
            "m2", direction="outgoing", state="failed", failure="sms-limit", by="anna", sent_at=None, text=None
        ),
    ]
    socket = tmp_path / "worker.sock"
    async with (
        WorkerServer(socket=socket, archive=archive, recordings_dir=tmp_path, keys=KeyRing(tmp_path)),
        serving(socket) as served,
    ):
        await served.set_up()
        path = "/api/v1/messages?format=csv&direction=incoming&zone=Europe/Moscow"
        status, table = await served.ask("GET", path, headers={"Accept-Language": "ru"})
        assert status == 200
        assert archive.asked == [MessageFilter(direction="incoming")]
        head, *rows = csv.reader(io.StringIO(table.removeprefix("\ufeff")), delimiter=";")
        assert head[:4] == ["Время", "Направление", "Номер", "Линия"]
        assert rows[0][:5] == [
            "2027-01-29 12:00:00", "Принято", "'+79031112233", "red", "'=HYPERLINK(1)\nтекст; с \"кавычками\"",
        ]  # fmt: skip
        assert rows[0][9] == "2027-01-29 11:59:58"
        assert rows[1][1] == "Отправлено"
        assert rows[1][4] == ""
        assert rows[1][6:9] == [
            words("ru")["message_states"]["failed"]["title"], words("ru")["errors"]["sms-limit"]["title"], "anna",
        ]  # fmt: skip
        assert (await served.ask("GET", "/api/v1/messages?format=csv&zone=nowhere"))[0] == 400
        assert (await served.ask("GET", "/api/v1/messages?format=xls"))[0] == 400
