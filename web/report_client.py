"""What the panel asks of the daemon about how things went: statistics, and customers who were missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from web.gateway_link import Asker, GatewayLink, pieces_of

_TABLE_SECONDS = 120.0


class ReportClient(GatewayLink):
    """One method per operation of the contract."""

    def statistics(self, asker: Asker, **query: str) -> dict[str, Any]:
        """What the calls of a time came to."""
        return self._object(asker, "GET", "/api/v1/statistics", query=query)

    def overview(self, asker: Asker) -> dict[str, Any]:
        """Today's calls beside the days before, who was missed, how long the disk lasts, and how the machine is."""
        return self._object(asker, "GET", "/api/v1/overview")

    @contextmanager
    def calls_table(
        self, asker: Asker, **query: str | int | None
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """The calls that a filter leaves as CSV: the headers and pieces, times by the time zone `zone`."""
        with self._asking(
            asker, "GET", "/api/v1/calls", query={**query, "format": "csv"}, seconds=_TABLE_SECONDS
        ) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    @contextmanager
    def messages_table(
        self, asker: Asker, **query: str | int | None
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """The SMS that a filter leaves as CSV: the headers and pieces, times by the time zone `zone`."""
        with self._asking(
            asker, "GET", "/api/v1/messages", query={**query, "format": "csv"}, seconds=_TABLE_SECONDS
        ) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def pack_size(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """How many recordings one file would hold, and whether that is too much for one."""
        return self._object(asker, "GET", "/api/v1/recordings/pack/size", query=query)

    @contextmanager
    def recordings_pack(
        self, asker: Asker, **query: str | int | None
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Recordings of the calls that a filter leaves, or of `calls` (ids with commas), as a ZIP file."""
        with self._asking(asker, "GET", "/api/v1/recordings/pack", query=query, seconds=_TABLE_SECONDS) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def statistics_table(self, asker: Asker, **query: str) -> str:
        """The same as CSV."""
        return str(self._ask(asker, "GET", "/api/v1/statistics", query={**query, "format": "csv"}))

    def missed(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """Customers who were missed: `items`, and their `count` where not all are asked for."""
        return self._object(asker, "GET", "/api/v1/missed", query=query)

    def missed_table(self, asker: Asker, **query: str | None) -> str:
        """The same as CSV."""
        return str(self._ask(asker, "GET", "/api/v1/missed", query={**query, "format": "csv"}))

    def close_missed(self, asker: Asker, *, reason: str, **whom: str) -> str:
        """Say why nobody need call a customer back: whoever has that `number`, or was the caller of that `call_id`.

        What is returned is the id by which it is taken back.
        """
        return str(self._object(asker, "POST", "/api/v1/missed/close", body={**whom, "reason": reason})["id"])

    def reopen_missed(self, asker: Asker, closure_id: str) -> None:
        """Take that back."""
        self._ask(asker, "DELETE", "/api/v1/missed/closures/{id}", id=closure_id)
