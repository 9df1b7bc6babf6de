"""What the panel asks of the daemon about the reception and the promised call-backs."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink


class ReceptionClient(GatewayLink):
    """One method per operation of the contract."""

    def reception(self, asker: Asker) -> dict[str, Any]:
        """The rules, their line of time, and what is to be thought over."""
        return self._object(asker, "GET", "/api/v1/reception")

    def change_reception(self, asker: Asker, rules: dict[str, Any]) -> None:
        """Other values for some rules."""
        self._ask(asker, "PATCH", "/api/v1/reception", body=rules)

    def call_backs(self, asker: Asker) -> dict[str, Any]:
        """Those that are waiting, and the last of those that are over."""
        return self._object(asker, "GET", "/api/v1/call-backs")

    def cancel_call_back(self, asker: Asker, promise_id: str) -> None:
        """The customer is not called."""
        self._ask(asker, "POST", "/api/v1/call-backs/{id}/cancel", id=promise_id)
