"""What the panel asks of the daemon about orders, and about the couriers who bring them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from web.gateway_link import Asker, GatewayLink, pieces_of


class OrderClient(GatewayLink):
    """One method per operation of the contract."""

    def orders(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of orders."""
        return self._object(asker, "GET", "/api/v1/orders", query=query)

    def order(self, asker: Asker, number: str) -> dict[str, Any]:
        """One order."""
        return self._object(asker, "GET", "/api/v1/orders/{number}", number=number)

    def add_order(self, asker: Asker, values: Mapping[str, str | bool]) -> dict[str, Any]:
        """One more order; it, as it was taken."""
        return self._object(asker, "POST", "/api/v1/orders", body=dict(values))

    def change_order(self, asker: Asker, number: str, values: Mapping[str, str | None]) -> dict[str, Any]:
        """Other values for an order; it, as it is now."""
        return self._object(asker, "PUT", "/api/v1/orders/{number}", body=dict(values), number=number)

    def close_order(self, asker: Asker, number: str) -> dict[str, Any]:
        """End an order at once; it, as it is now."""
        return self._object(asker, "POST", "/api/v1/orders/{number}/close", number=number)

    def put_order_back(self, asker: Asker, number: str, changed_at: str) -> None:
        """Have an order as it was before the change of that moment."""
        body = {"changed_at": changed_at}
        self._ask(asker, "POST", "/api/v1/orders/{number}/put-back", body=body, number=number)

    def import_orders(self, asker: Asker, text: str) -> dict[str, Any]:
        """Take a CSV file: how many orders are `added` and `changed`."""
        answer: dict[str, Any] = self._ask(asker, "POST", "/api/v1/orders/import", text=text, media_type="text/csv")
        return answer

    def take_orders_back(self, asker: Asker, import_id: str) -> dict[str, Any]:
        """Have all orders as before a table: how many are `restored`, how many `kept`, and `kept_names`."""
        return self._object(asker, "POST", "/api/v1/orders/imports/{id}/take-back", id=import_id)

    def set_shift(self, asker: Asker, extension: str, *, on_shift: bool) -> None:
        """A courier is on shift, or not."""
        body = {"on_shift": on_shift}
        self._ask(asker, "PUT", "/api/v1/couriers/{extension}/shift", body=body, extension=extension)

    def courier_day(self, asker: Asker, **query: str) -> dict[str, Any]:
        """What the couriers' calls of a time came to, and the tries for each order."""
        return self._object(asker, "GET", "/api/v1/couriers/day", query=query)

    def own_self(self, asker: Asker) -> dict[str, Any]:
        """The courier who asks."""
        return self._object(asker, "GET", "/api/v1/courier/self")

    def own_orders(self, asker: Asker) -> list[dict[str, Any]]:
        """The courier's living orders."""
        return list(self._object(asker, "GET", "/api/v1/courier/orders")["items"])

    def set_own_stage(self, asker: Asker, number: str, stage: str) -> None:
        """Say how far an own order is."""
        self._ask(asker, "PUT", "/api/v1/courier/orders/{number}", body={"stage": stage}, number=number)

    def set_own_shift(self, asker: Asker, *, on_shift: bool) -> None:
        """Begin or end the own shift."""
        self._ask(asker, "PUT", "/api/v1/courier/shift", body={"on_shift": on_shift})

    def call_own_customer(self, asker: Asker, number: str, *, key: str) -> None:
        """Have the courier's mobile rung, and then the customer of that order; once for each `key`."""
        headers = {"Idempotency-Key": key}
        self._ask(asker, "POST", "/api/v1/courier/orders/{number}/call", body={}, headers=headers, number=number)

    def hold_order(self, asker: Asker, number: str, why: str) -> int:
        """Have every recording of an order's calls kept until they are released; how many."""
        return int(
            self._object(asker, "POST", "/api/v1/orders/{number}/hold", body={"why": why}, number=number)["held"]
        )

    @contextmanager
    def order_evidence(self, asker: Asker, number: str) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """Headers and pieces of the evidence pack of an order."""
        with self._asking(asker, "GET", "/api/v1/orders/{number}/evidence", number=number) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def release_order(self, asker: Asker, number: str) -> int:
        """Let them be removed again when their time comes; how many."""
        return int(self._object(asker, "DELETE", "/api/v1/orders/{number}/hold", number=number)["released"])
