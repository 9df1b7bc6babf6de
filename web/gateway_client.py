"""The way to the daemon: its API and nothing else. The contract is the daemon's openapi.json."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from web.access_client import AccessClient
from web.account_client import AccountClient
from web.alert_client import AlertClient
from web.call_client import CallClient
from web.contact_client import ContactClient
from web.first_run_client import FirstRunClient
from web.gateway_link import Asker, GatewayAway, Refused, read_whole
from web.message_client import MessageClient
from web.modem_client import ModemClient
from web.order_client import OrderClient
from web.order_status_client import OrderStatusClient
from web.phone_client import PhoneClient
from web.prompt_client import PromptClient
from web.queue_client import QueueClient
from web.reception_client import ReceptionClient
from web.report_client import ReportClient
from web.shared_client import SharedClient
from web.shop_client import ShopClient
from web.site_client import SiteClient
from web.system_client import SystemClient

__all__ = ["Asker", "GatewayAway", "GatewayClient", "Refused"]

_STREAM_SILENCE_SECONDS = 40.0
"""The daemon sends something every 15 s; after this long it is gone."""


class GatewayClient(
    AccessClient,
    AccountClient,
    AlertClient,
    CallClient,
    ContactClient,
    FirstRunClient,
    MessageClient,
    OrderClient,
    ModemClient,
    OrderStatusClient,
    PhoneClient,
    PromptClient,
    QueueClient,
    ReceptionClient,
    ReportClient,
    SharedClient,
    ShopClient,
    SiteClient,
    SystemClient,
):
    """One method per operation of the contract."""

    def words(self, asker: Asker) -> dict[str, dict[str, dict[str, str]]]:
        """Title and advice by section and code."""
        answer: dict[str, dict[str, dict[str, str]]] = self._ask(asker, "GET", "/api/v1/words")
        return answer

    def presented(self, asker: Asker) -> list[dict[str, Any]]:
        """What number the called party will see, for each route and way."""
        return list(self._object(asker, "GET", "/api/v1/presented")["items"])

    def deliveries(self, asker: Asker) -> list[dict[str, Any]]:
        """What became of the alerts that were sent out."""
        return list(self._object(asker, "GET", "/api/v1/deliveries")["items"])

    def snapshot(self, asker: Asker) -> dict[str, Any]:
        """Everything that is live."""
        return self._object(asker, "GET", "/api/v1/snapshot")

    def erasure_plan(self, asker: Asker, number: str) -> dict[str, Any]:
        """What erasing a number would take away."""
        return self._object(asker, "POST", "/api/v1/erasures/plan", body={"number": number})

    def erase(self, asker: Asker, number: str) -> dict[str, Any]:
        """Have everything of a number erased; the order, with its id."""
        return self._object(asker, "POST", "/api/v1/erasures", body={"number": number})

    def erasure(self, asker: Asker, order_id: str) -> dict[str, Any]:
        """How far an order is."""
        return self._object(asker, "GET", "/api/v1/erasures/{id}", id=order_id)

    def open_phone_setup(self, asker: Asker, extension: str) -> dict[str, Any]:
        """Let the files that set up a phone be fetched: the word, until when, and their names."""
        return self._object(asker, "POST", "/api/v1/phones/{extension}/setup", extension=extension)

    def close_phone_setup(self, asker: Asker, extension: str) -> None:
        """Let them be fetched no more."""
        self._ask(asker, "DELETE", "/api/v1/phones/{extension}/setup", extension=extension)

    def setup_file(self, asker: Asker, token: str, name: str, *, base: str) -> tuple[str, bytes]:
        """The media type and the bytes of a phone's file; `base` is the place where the phone has found us."""
        query = {"base": base}
        with self._asking(
            asker, "GET", "/api/v1/setup-files/{token}/{name}", query=query, token=token, name=name
        ) as answer:
            return answer.headers.get_content_type(), read_whole(answer)

    def acknowledge(self, asker: Asker, alert_id: str) -> None:
        """Note that a person has seen the alert."""
        self._ask(asker, "POST", "/api/v1/alerts/{id}/acknowledge", id=alert_id)

    def shop_text(self, asker: Asker) -> str:
        """The shop as shop.toml, secrets masked."""
        return str(self._ask(asker, "GET", "/api/v1/shop"))

    def import_shop(self, asker: Asker, text: str) -> bool:
        """Take a shop.toml; True when it changed something."""
        return bool(self._ask(asker, "PUT", "/api/v1/shop", text=text, media_type="application/toml")["changed"])

    def line_rules(self, asker: Asker, line: str) -> dict[str, Any]:
        """Limits, levels and habits of a line, by the names of shop.toml."""
        return self._object(asker, "GET", "/api/v1/lines/{name}/rules", name=line)

    def change_line(self, asker: Asker, line: str, rules: dict[str, Any]) -> None:
        """Other values for some of them."""
        self._ask(asker, "PATCH", "/api/v1/lines/{name}/rules", body=rules, name=line)

    @contextmanager
    def stream(self, asker: Asker) -> Iterator[Iterator[dict[str, Any]]]:
        """The events from now on, parsed; a keep-alive comment comes as {}. Ends when the daemon does."""
        with self._asking(asker, "GET", "/api/v1/stream", seconds=_STREAM_SILENCE_SECONDS) as answer:
            yield self._events(answer)
