"""What the panel asks of the daemon about how things went: statistics, and customers who were missed."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink


class ReportClient(GatewayLink):
    """One method per operation of the contract."""

    def statistics(self, asker: Asker, **query: str) -> dict[str, Any]:
        """What the calls of a time came to."""
        return self._object(asker, "GET", "/api/v1/statistics", query=query)

    def statistics_table(self, asker: Asker, **query: str) -> str:
        """The same as CSV."""
        return str(self._ask(asker, "GET", "/api/v1/statistics", query={**query, "format": "csv"}))

    def missed(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """Customers who were missed: `items`, and their `count` where not all are asked for."""
        return self._object(asker, "GET", "/api/v1/missed", query=query)

    def missed_table(self, asker: Asker, **query: str | None) -> str:
        """The same as CSV."""
        return str(self._ask(asker, "GET", "/api/v1/missed", query={**query, "format": "csv"}))

    def close_missed(self, asker: Asker, *, reason: str, **whom: str) -> None:
        """Say why nobody need call a customer back: whoever has that `number`, or was the caller of that `call_id`."""
        self._ask(asker, "POST", "/api/v1/missed/close", body={**whom, "reason": reason})
