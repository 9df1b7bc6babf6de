"""What the panel asks of the daemon about the status of orders by telephone."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink, read_whole


class OrderStatusClient(GatewayLink):
    """One method per operation of the contract."""

    def order_status(self, asker: Asker) -> dict[str, Any]:
        """The rules, the words, the shop's program, and the numbers that may belong to it."""
        return self._object(asker, "GET", "/api/v1/order-status")

    def change_order_status(self, asker: Asker, rules: dict[str, Any]) -> None:
        """Other rules; a header without its secret keeps it."""
        self._ask(asker, "PUT", "/api/v1/order-status", body=rules)

    def try_order_status(self, asker: Asker, number: str) -> dict[str, Any]:
        """What a caller would be told of an order now."""
        return self._object(asker, "POST", "/api/v1/order-status/test", body={"number": number})

    def order_status_phrase(self, asker: Asker, keys: str) -> bytes:
        """The prompts of a phrase, as a WAV file."""
        with self._asking(asker, "GET", "/api/v1/order-status/phrase", query={"keys": keys}) as answer:
            return read_whole(answer)
