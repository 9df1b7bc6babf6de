"""The days that are summed up, on disk: a new start has them at once; none that has changed, or is of another store."""

from __future__ import annotations

import pickle
import random
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from gateway.settings import Settings
from gateway.store import kept_days
from gateway.store.audit import add_audit
from gateway.store.database import prepare
from gateway.store.erasures import erase_number
from gateway.store.kept_days import FILE, forget_days
from gateway.store.opened import transaction
from gateway.store.reports import Reports
from gateway.store.schema import calls
from gateway.store.schema_access import audit
from tests.fakes.call_log import random_log
from tests.store.test_days import FIRST, keep_calls

UNTIL = FIRST + timedelta(days=3)


@pytest.fixture
def filled(places: Settings) -> Settings:
    """Three days with calls, summed up and kept."""
    prepare(places)
    keep_calls(places, random_log(random.Random(5), FIRST, timedelta(days=3), 60))
    with transaction(places.database) as connection:
        add_audit(connection, gateway_id="g", now=FIRST, by="gateway", action="gateway.started", subject="", details={})
    with _reports(places) as reports:
        _remember(reports)
        reports.keep()
    return places


def _reports(places: Settings) -> Reports:
    return Reports(places, clock=lambda: UNTIL)


def _remember(reports: Reports) -> None:
    for day in range(-1, 3):
        reports.remember(FIRST + timedelta(days=day))


def _recalled(places: Settings) -> int:
    with _reports(places) as reports:
        reports.recall()
        return reports.days_kept


def test_a_new_start_has_them_and_they_say_the_same(filled: Settings) -> None:
    with _reports(filled) as reports:
        _remember(reports)
        known, answer = reports.days_kept, reports.statistics(FIRST, UNTIL, "line")
    with _reports(filled) as reports:
        reports.recall()
        assert reports.days_kept == known > 0
        assert reports.statistics(FIRST, UNTIL, "line") == answer
        assert reports.days_kept == known, "nothing was worked out anew"


def test_a_day_that_has_changed_is_not_taken(filled: Settings) -> None:
    known = _recalled(filled)
    with transaction(filled.database) as connection:
        call = connection.execute(calls.select().order_by(calls.c.started_at.desc())).first()
        assert call is not None
        connection.execute(update(calls).where(calls.c.id == call.id).values(talk_seconds=1.0))
    assert 0 < _recalled(filled) < known


def test_of_another_store_by_other_code_or_broken_nothing_is_taken(
    filled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = filled.data_dir / FILE
    whole = file.read_bytes()
    for content in (b"", whole[:-20], b"no pickle", pickle.dumps(Path("/")), pickle.dumps((1, 2))):
        file.write_bytes(content)
        assert _recalled(filled) == 0
    file.write_bytes(whole)
    assert _recalled(filled) > 0
    with monkeypatch.context() as patch:
        patch.setattr(kept_days, "_made_by", lambda: "other code")
        assert _recalled(filled) == 0
    with transaction(filled.database) as connection:
        connection.execute(delete(audit))
    assert _recalled(filled) == 0


def test_an_erased_number_is_on_the_disk_no_more(filled: Settings) -> None:
    with transaction(filled.database) as connection:
        number = next(each for each in connection.execute(calls.select()) if each.caller.startswith("+7")).caller
    erase_number(filled, filled.recordings_dir, number, really=True, tell=lambda _done, _total: None)
    assert not (filled.data_dir / FILE).exists()
    forget_days(filled.data_dir)


def test_what_a_power_cut_left_half_written_goes_with_an_erased_number(filled: Settings) -> None:
    with _reports(filled) as reports:
        reports.recall()
        reports.keep()
    (filled.data_dir / FILE).rename(filled.data_dir / f"{FILE}.new")
    forget_days(filled.data_dir)
    assert not list(filled.data_dir.glob(f"{FILE}*"))


def test_what_changes_while_it_is_written_leaves_no_file(filled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a number is erased at that moment."""
    real = pickle.dumps

    def meanwhile(*given: object, **others: int) -> bytes:
        with transaction(filled.database) as connection:
            connection.execute(update(calls).values(talk_seconds=2.0))
        return real(*given, **others)  # type: ignore[arg-type]  # passed on as given

    with _reports(filled) as reports:
        reports.recall()
        with monkeypatch.context() as patch:
            patch.setattr(pickle, "dumps", meanwhile)
            reports.keep()
    assert not (filled.data_dir / FILE).exists()
