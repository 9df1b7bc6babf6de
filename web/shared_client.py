"""What the panel asks of the daemon about gateways that share a database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from web.gateway_link import Asker, GatewayLink, pieces_of


class SharedClient(GatewayLink):
    """One method per operation of the contract."""

    def gateways(self, asker: Asker) -> dict[str, Any]:
        """Which there are, and what this one still has to send."""
        return self._object(asker, "GET", "/api/v1/gateways")

    def gateway_calls(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of calls of all of them."""
        return self._object(asker, "GET", "/api/v1/gateways/calls", query=query)

    def gateway_call(self, asker: Asker, call_id: str) -> dict[str, Any]:
        """One call of any of them."""
        return self._object(asker, "GET", "/api/v1/gateways/calls/{id}", id=call_id)

    @contextmanager
    def gateway_recording(
        self, asker: Asker, recording_id: str, headers: Mapping[str, str], *, is_download: bool = False
    ) -> Iterator[tuple[int, Mapping[str, str], Iterator[bytes]]]:
        """Status, headers and pieces of a recording of any of them."""
        query = {"download": "true"} if is_download else None
        with self._asking(
            asker, "GET", "/api/v1/gateways/recordings/{id}", query=query, id=recording_id, headers=headers
        ) as answer:
            yield answer.status, dict(answer.headers.items()), pieces_of(answer)
