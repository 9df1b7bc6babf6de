"""What the panel asks of the daemon about what leaves the machine: where it goes, and what became of it."""

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

    def webhooks(self, asker: Asker) -> list[dict[str, Any]]:
        """The programs that are told what happens; of what is secret only whether it is set."""
        return list(self._object(asker, "GET", "/api/v1/webhooks")["items"])

    def add_webhook(self, asker: Asker, values: dict[str, Any]) -> dict[str, Any]:
        """Tell one more program; how it is kept."""
        return dict(self._ask(asker, "POST", "/api/v1/webhooks", body=values))

    def change_webhook(self, asker: Asker, hook_id: str, values: dict[str, Any]) -> None:
        """Tell it other things; what is secret is kept when it is left out."""
        self._ask(asker, "PUT", "/api/v1/webhooks/{id}", body=values, id=hook_id)

    def remove_webhook(self, asker: Asker, hook_id: str) -> None:
        """Tell it nothing any more."""
        self._ask(asker, "DELETE", "/api/v1/webhooks/{id}", id=hook_id)

    def try_webhook(self, asker: Asker, hook_id: str) -> dict[str, Any]:
        """What it has answered to a test."""
        return dict(self._ask(asker, "POST", "/api/v1/webhooks/{id}/test", id=hook_id, seconds=_TEST_SECONDS))

    def webhook_deliveries(self, asker: Asker) -> list[dict[str, Any]]:
        """What became of what programs were told, the newest first."""
        return list(self._object(asker, "GET", "/api/v1/webhooks/deliveries")["items"])

    def retry_delivery(self, asker: Asker, delivery_id: str) -> None:
        """Have a delivery tried again."""
        self._ask(asker, "POST", "/api/v1/deliveries/{id}/retry", id=delivery_id)
