"""What the panel asks of the daemon about alerts that leave the machine: where they go, and what became of them."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink

_TEST_SECONDS = 30.0
"""Longer than the daemon lets a server take for it."""


class AlertClient(GatewayLink):
    """One method per operation of the contract."""

    def alert_ways(self, asker: Asker) -> dict[str, Any]:
        """The ways by which alerts leave the machine; of what is secret only whether it is set."""
        return self._object(asker, "GET", "/api/v1/alert-ways")

    def set_alert_way(self, asker: Asker, way: str, values: dict[str, Any]) -> None:
        """Let alerts take a way; what is secret is kept when it is left out."""
        self._ask(asker, "PUT", "/api/v1/alert-ways/{way}", body=values, way=way)

    def remove_alert_way(self, asker: Asker, way: str) -> None:
        """Let no alert take that way any more."""
        self._ask(asker, "DELETE", "/api/v1/alert-ways/{way}", way=way)

    def try_alert_way(self, asker: Asker, way: str) -> list[dict[str, Any]]:
        """What each place has answered to a test."""
        found = self._ask(asker, "POST", "/api/v1/alert-ways/{way}/test", way=way, seconds=_TEST_SECONDS)
        return list(found["items"])

    def retry_delivery(self, asker: Asker, delivery_id: str) -> None:
        """Have a delivery tried again."""
        self._ask(asker, "POST", "/api/v1/deliveries/{id}/retry", id=delivery_id)
