"""Cursors come back as they were written, and a number is found however it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import column, create_engine, literal, select

from gateway.store.paging import holds, read_cursor, write_cursor

WORDS = st.text(st.characters(codec="utf-8"), max_size=40)


@given(WORDS.filter(lambda word: "|" not in word), WORDS)
def test_a_cursor_comes_back(key: str, rest: str) -> None:
    assert read_cursor(write_cursor(key, rest)) == (key, rest)


@pytest.mark.parametrize("cursor", ["", "é", "nothing", "bm9uZQ==", "////"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        read_cursor(cursor)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("+7 (916) 123-45-67", True), ("8 916 123 45 67", True), ("123-45", True), ("4567", True), ("ИВАН", True),
        (" иван ", True), ("24-7", True), ("1-2", False), ("8 916 123 45 68", False), ("Иванов", False),
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_typed(text: str, is_found: bool) -> None:
    engine = create_engine("sqlite://")
    row = select(literal(" +79161234567 иван 24-7").label("search")).subquery()
    with engine.connect() as connection:
        found = connection.execute(select(row).where(holds(column("search"), text))).first()
    engine.dispose()
    assert (found is not None) == is_found
