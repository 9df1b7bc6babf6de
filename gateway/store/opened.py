"""Databases that are opened for a while: by a `with` around one transaction, or around what asks again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine

from gateway.store.database import Places, open_engine


@contextmanager
def transaction(database: Path, *, read_only: bool = False) -> Iterator[Connection]:
    """One transaction on an existing database, of which nothing stays open. Raises SQLAlchemyError."""
    engine = open_engine(database, read_only=read_only)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


class Opened:
    """Used with `with`, at whose end the engines let their connections go."""

    def __init__(self, *engines: Engine) -> None:
        self._engines = engines

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self._engines:
            engine.dispose()


class OpenedToRead(Opened):
    """The store of a data directory; a transaction of `_reading` changes nothing and waits for nobody."""

    def __init__(self, places: Places) -> None:
        self._reading = open_engine(places.database, read_only=True)
        super().__init__(self._reading)


class OpenedToWrite(Opened):
    """The same with `_writing`, whose transactions wait for those of other processes."""

    def __init__(self, places: Places) -> None:
        self._reading = open_engine(places.database, read_only=True)
        self._writing = open_engine(places.database)
        super().__init__(self._reading, self._writing)
