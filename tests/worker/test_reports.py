"""Statistics and missed customers through the API: as the contract says, and as tables that open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from gateway.api.contract import contract
from gateway.messages import words
from gateway.settings import Settings
from gateway.store.database import open_engine
from gateway.store.recording_room import RecordingRate
from gateway.store.reports import Reports
from gateway.store.schema import calls, legs, metadata
from gateway.store.shop_document.shop_versions import add_shop
from gateway.store.statistics import Grouping
from gateway.worker.comparison import FIGURES, word_of
from gateway.worker.report_routes import COLUMNS, GROUPINGS
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from gateway.worker.spreadsheet import BYTE_ORDER_MARK, as_csv
from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive
from tests.fakes.reports import FakeReports, ending, missed_row
from tests.store.conftest import small_shop

PERIOD = "since=2027-01-28T21:00:00Z&until=2027-01-30T00:00:00%2B03:00"


@pytest.mark.real_time
async def test_what_is_asked_arrives_and_what_comes_back_is_as_the_contract_says(tmp_path: Path) -> None:
    reports, socket = FakeReports(), tmp_path / "worker.sock"
    reports.customers = [missed_row(), missed_row("+79031112244", ended=ending("talked"), name="=1+1")]
    worker = WorkerServer(
        socket=socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path), reports=reports
    )
    async with worker, serving(socket) as served:
        await served.set_up()
        for by in GROUPINGS:
            status, answer = await served.ask("GET", f"/api/v1/statistics?{PERIOD}&by={by}")
            assert status == 200, answer
            assert_fits(answer, "Statistics")
        since, until = datetime(2027, 1, 28, 21, tzinfo=UTC), datetime(2027, 1, 29, 21, tzinfo=UTC)
        assert reports.asked == [(since, until, by) for by in GROUPINGS]
        _, answer = await served.ask("GET", f"/api/v1/statistics?{PERIOD}&within=25&compare=before")
        assert_fits(answer, "Statistics")
        assert (answer["within_seconds"], answer["before"]["total"]["missed"]) == (25, 2)
        assert reports.asked_within == [(9, False)] * len(GROUPINGS) + [(25, True)]
        reports.rate = RecordingRate(kept_bytes=10, bytes_per_day=10**15)
        _, answer = await served.ask("GET", "/api/v1/overview")
        assert_fits(answer, "Overview")
        assert (answer["today"]["service_level"], answer["days_before"]["missed_share"]) == (0.5, 0.1)
        assert answer["missed"] == {"count": 1, "first_at": "2027-01-29T09:00:00.000Z"}
        assert 0 <= answer["storage"]["days_left"] < 90, "a disk of 90,000 TB would be another matter"
        _, answer = await served.ask("GET", "/api/v1/missed")
        assert [row["number"] for row in answer["items"]] == ["+79031112233"]
        _, answer = await served.ask("GET", "/api/v1/missed?since=2027-01-01T00:00:00Z&limit=1")
        assert (len(answer["items"]), answer["count"]) == (1, 2)
        _, answer = await served.ask("GET", "/api/v1/missed?since=2027-01-01T00:00:00Z")
        for row in answer["items"]:
            assert_fits(row, "MissedCustomer")
        assert len(answer["items"]) == 2

        async def table(path: str, language: str) -> list[list[str]]:
            headers = {"Accept-Language": language}
            status, text = await served.ask("GET", path, headers=headers)
            assert status == 200
            assert text.startswith(BYTE_ORDER_MARK)
            return list(csv.reader(io.StringIO(text[1:]), delimiter=";" if language == "ru" else ","))

        head, day, _ = await table(f"/api/v1/statistics?{PERIOD}&format=csv", "ru")
        assert (head[0], head[1], day[0], day[1]) == ("День", "Звонки", "2027-01-28", "12")
        assert "754,5" in day
        head, line = await table(f"/api/v1/statistics?{PERIOD}&by=line&format=csv", "en")
        assert (head[-1], line[0], line[-1]) == ("Share of the time", "red", "0.25")
        head, *rows = await table(f"/api/v1/statistics?{PERIOD}&format=csv&table=comparison", "en")
        assert head == ["Figure", "This period", "The period before", "Change"]
        figures = {row[0]: row[1:] for row in rows}
        assert figures["Missed"] == ["3", "2", "1"]
        assert figures["Share answered in time"] == ["0.5", "0.7", "-0.2"]
        assert figures["Half were answered within, seconds"] == ["7.2", "9", "-1.8"]
        assert figures["Cost"] == ["12.5", "", ""]
        head, *rows = await table(f"/api/v1/statistics?{PERIOD}&by=line&format=csv&table=concurrency", "ru")
        assert (head, rows[2]) == (["Занято одновременно", "Занята, секунд"], ["2", "100"])
        head, *rows = await table(f"/api/v1/statistics?{PERIOD}&by=line&format=csv&table=peaks", "en")
        assert (head, len(rows), rows[9]) == (["Hour", "Busy at once"], 24, ["09", "2"])
        head, *rows = await table("/api/v1/missed?since=2027-01-01T00:00:00Z&format=csv", "en")
        assert [row[:2] for row in rows] == [["'+79031112233", ""], ["'+79031112244", "'=1+1"]]
        assert (head[4:6], rows[0][4:6]) == (["Tries", "How it ended"], ["2", "No answer"])

        for wrong in (
            "statistics", f"statistics?{PERIOD}&by=moon", f"statistics?{PERIOD}&format=xls",
            f"statistics?{PERIOD}&within=0", f"statistics?{PERIOD}&within=601", f"statistics?{PERIOD}&compare=after",
            f"statistics?{PERIOD}&format=csv&table=moon", f"statistics?{PERIOD}&by=day&format=csv&table=peaks",
            "statistics?since=2027-01-02T00:00:00Z&until=2027-01-01T00:00:00Z",
            "statistics?since=2025-01-01T00:00:00Z&until=2027-01-01T00:00:00Z", "missed?since=yesterday",
            "missed?limit=0", "missed?limit=201",
        ):  # fmt: skip
            status, answer = await served.ask("GET", f"/api/v1/{wrong}")
            assert (status, answer["code"]) == (400, "bad-request"), wrong


@pytest.mark.real_time
async def test_a_customer_is_taken_off_the_list_once_and_with_a_reason() -> None:
    async with serving() as served:
        await served.set_up()
        served.missed.reports.customers = [missed_row()]
        wish = {"number": "+79031112233", "reason": "a salesman"}
        whose = {"reason": "a salesman"}
        for wrong in (
            {"number": "+79031112233"}, {**wish, "reason": " "}, {**wish, "reason": "x" * 201}, {}, whose,
            {**wish, "call_id": "c1"},
        ):  # fmt: skip
            assert (await served.ask("POST", "/api/v1/missed/close", json=wrong))[0] == 400
        assert (await served.ask("POST", "/api/v1/missed/close", json=wish))[0] == 201
        assert served.missed.reports.customers[0]["ended"]["by"] == "anna"
        assert (await served.ask("POST", "/api/v1/missed/close", json=wish))[0] == 404
        served.missed.reports.customers = [missed_row("")]
        for status in (201, 404):
            assert (await served.ask("POST", "/api/v1/missed/close", json={**whose, "call_id": "c1"}))[0] == status


def test_the_store_gives_what_the_contract_says(tmp_path: Path) -> None:
    """One missed call of a customer, one talk with another, on a real database, in the shop's time zone."""
    places = Settings(data_dir=tmp_path)
    places.database.touch()
    engine = open_engine(places.database)
    metadata.create_all(engine)
    nine = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    call = {
        "gateway_id": "g", "direction": "incoming", "caller_name": "", "called": "red", "line": "red", "flow": "",
        "ended_at": nine + timedelta(minutes=1), "search": "", "started_at": nine,
    }  # fmt: skip
    leg = {"gateway_id": "g", "kind": "gsm", "direction": "incoming", "line": "red", "started_at": nine}
    with engine.begin() as connection:
        add_shop(connection, small_shop(), gateway_id="g", by="test", now=nine)
        for row in (
            {**call, "id": "c1", "caller": "+79165554433", "talk_seconds": 0.0, "total_seconds": 60.0,
             "cause": "cancelled"},
            {**call, "id": "c2", "caller": "+79165554434", "talk_seconds": 50.0, "total_seconds": 60.0,
             "answered_at": nine + timedelta(seconds=10), "answered_by": "101"},
        ):  # fmt: skip
            connection.execute(insert(calls).values(row))
            connection.execute(insert(legs).values(
                {**leg, "id": row["id"], "call_id": row["id"], "peer": row["caller"], "ended_at": row["ended_at"]}
            ))  # fmt: skip
    engine.dispose()
    with Reports(places, clock=lambda: nine + timedelta(hours=1)) as reports:
        for grouping in Grouping:
            found = reports.statistics(nine - timedelta(days=1), nine + timedelta(days=1), grouping)
            assert_fits(found, "Statistics")
            assert found["total"]["answered"] == 1  # type: ignore[index]  # the figures, as the schema says
            assert found["until"] == "2026-03-03T21:30:00.000Z"
        days = reports.statistics(nine - timedelta(days=1), nine + timedelta(days=1), "day")["rows"]
        assert [(row["key"], row["calls"]) for row in days] == [  # type: ignore[attr-defined]  # a list of rows
            ("2026-03-02", 0), ("2026-03-03", 2),
        ]  # fmt: skip
        (waiting,), count = reports.missed()
        assert count == 1
        assert reports.missed(limit=0) == ([], 1)
        assert_fits(waiting, "MissedCustomer")
        assert waiting["number"] == "+79165554433"
        assert [(each["cause"], each["waited_seconds"]) for each in waiting["tries"]] == [("cancelled", 60.0)]  # type: ignore[attr-defined]  # a list of tries
        assert [row["ended"] for row in reports.missed(since=nine - timedelta(hours=1))[0]] == [None]
        with pytest.raises(ValueError, match="moon"):
            reports.statistics(nine, nine, "moon")


def test_the_worker_and_the_store_know_the_same_groupings_and_every_column_has_words() -> None:
    assert tuple(Grouping) == GROUPINGS
    row = contract()["components"]["schemas"]["FiguresRow"]["properties"]
    assert set(COLUMNS) == set(row) - {"key"}
    for language in ("en", "ru"):
        titles = words(language)["statistics"]
        assert {*COLUMNS, *GROUPINGS} <= titles.keys()
        assert {word_of(*each) for each in FIGURES} <= titles.keys()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"), ("", ""), ("+79161234567", "'+79161234567"), ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1+1", "'-1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("  =1", "'  =1"),
        ("＝1", "'＝1"), ("a=1", "a=1"), ("5\0", "5"), ("1;2,3\"4\"\n5", "1;2,3\"4\"\n5"),
    ],
)  # fmt: skip
def test_no_text_becomes_a_formula_or_another_cell(text: str, cell: str) -> None:
    for language, separator in (("ru", ";"), ("en", ",")):
        content = as_csv(["title"], [[text, 1]], language).decode("utf-8")
        rows = list(csv.reader(io.StringIO(content[1:], newline=""), delimiter=separator))
        assert rows == [["title"], [cell, "1"]]


def test_numbers_are_written_as_the_language_does_and_nothing_is_empty() -> None:
    row = [None, 3, 0.5, 12.0, 0.33333, 1234567.25]
    assert as_csv(["a"], [row], "en").decode("utf-8-sig") == "a\r\n,3,0.5,12,0.3333,1234567.25\r\n"
    assert as_csv(["a"], [row], "ru").decode("utf-8-sig") == "a\r\n;3;0,5;12;0,3333;1234567,25\r\n"
