"""What has changed since the period before is said by sign, figure and word, never by a colour alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import BEFORE, FIGURES, RETURNS, WAITS
from web.app import create_app
from web.comparison import compare


def _found(now: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "total": {**FIGURES, **now}, "waits": WAITS, "returns": RETURNS, "currency": "RUB",
        "before": None if before is None else {"total": {**FIGURES, **before}, "waits": WAITS, "returns": RETURNS},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "now", "before", "change", "verdict"),
    [
        ("incoming", 12, 10, "+2 (+20\u00a0%)", "more"),
        ("incoming", 9, 10, "−1 (−10\u00a0%)", "less"),
        ("incoming", 3, 0, "+3", "more"),
        ("incoming", 10, 10, "no change", "same"),
        ("missed", 5, 4, "+1 (+25\u00a0%)", "worse"),
        ("missed", 0, 4, "−4 (−100\u00a0%)", "better"),
        ("answered", 5, 4, "+1 (+25\u00a0%)", "better"),
        ("service_level", 0.82, 0.7, "+12 points", "better"),
        ("missed_share", 0.104, 0.096, "no change", "same"),
        ("service_level", 0.5, None, "", ""),
        ("seconds_to_answer", 12.0, 8.0, "+0:04 (+50\u00a0%)", "worse"),
        ("talk_seconds", 3600.0, 7200.0, "−1:00:00 (−50\u00a0%)", "less"),
        ("cost", 10.5, 12.5, "−2.00 RUB (−16\u00a0%)", "better"),
        ("cost", None, 12.5, "", ""),
    ],
)  # fmt: skip
def test_a_change_is_a_figure_and_a_word(name: str, now: Any, before: Any, change: str, verdict: str) -> None:
    app = create_app("http://127.0.0.1:1")
    with app.test_request_context(headers={"Cookie": "language=en"}):
        found = compare(_found({name: now}, {name: before}))[f"total.{name}"]
    assert (found.change, found.verdict) == (change, verdict)


def test_nothing_is_compared_where_nothing_was_asked() -> None:
    assert compare(_found({}, None)) == {}


def test_the_page_compares_and_counts_in_time_as_it_was_chosen(owner: FlaskClient, gateway: GatewayThread) -> None:
    text = owner.get("/statistics?period=today").text
    assert gateway.reports.asked_within == [(9, True)]
    assert "Answered within 9 seconds" in text
    assert "half within 0:07, nine of ten within 0:22" in text
    assert re.search(r'<span class="change worse"><span aria-hidden="true">▲</span> \+1 \(\+50.%\) <b>worse</b>', text)
    assert "before: 2" in text
    assert text.count("/statistics.csv?") == 2
    assert 'href="/statistics.csv?period=today&amp;by=day&amp;table=comparison"' in text
    table = owner.get("/statistics.csv?period=today&table=comparison")
    assert table.headers["Content-Disposition"] == 'attachment; filename="comparison.csv"'
    assert table.text.startswith("\ufeffFigure,This period,The period before,Change\r\nIncoming,8,10,-2\r\n")


def test_seconds_and_comparison_are_remembered_and_stay_in_every_link(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    text = owner.get("/statistics?period=month&by=hour&within=30&compare=none").text
    assert gateway.reports.asked_within == [(30, False)]
    assert "Answered within 30 seconds" in text
    assert "The period before" not in text
    links = re.findall(r'href="(/statistics\?[^"]*)"', text)
    kept = [link for link in links if "all=1" not in link and "within=30" in link and "compare=none" in link]
    assert len(kept) == len(links) - 7, "all but those that change one of the two, and the one that forgets all"
    owner.get("/statistics", follow_redirects=True)
    assert gateway.reports.asked_within[-1] == (30, False)
    owner.get("/statistics?within=7&compare=moon")
    assert gateway.reports.asked_within[-1] == (9, True), "nonsense is the usual"


def test_tables_of_lines_come_as_csv(owner: FlaskClient) -> None:
    text = owner.get("/statistics?by=line").text
    for table, head in (("concurrency", "Busy at once,"), ("peaks", "Hour,")):
        assert f"table={table}" in text
        assert owner.get(f"/statistics.csv?by=line&table={table}").text.startswith("\ufeff" + head)


def test_it_is_russian_in_russian(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.reports.before = {**BEFORE, "missed": 1}
    owner.set_cookie("language", "ru")
    text = owner.get("/statistics?within=5").text
    assert "Отвечено за 5 секунд" in text
    assert "раньше: 1" in text
    assert "<b>хуже</b>" in text
    assert "Период до него" in text
