"""openapi.json and the server say the same, both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.api.board import Board
from gateway.api.contract import contract, scopes
from gateway.api.server import ApiServer
from gateway.events import EventBus
from tests.fakes.accounts import FakeAccounts
from tests.fakes.alert_ways import FakeAlertWays
from tests.fakes.browser_phones import FakeBrowserPhones
from tests.fakes.call_backs import FakeCallBacks
from tests.fakes.company import FakeCompany, watched
from tests.fakes.contacts import KeptPeople
from tests.fakes.couriers import FakeCouriers
from tests.fakes.event_hooks import FakeEventHooks
from tests.fakes.exchange_view import SHOP, FakeShopFile, setup_desk
from tests.fakes.modem_care import FakeModemCare
from tests.fakes.order_desk import status_test
from tests.fakes.orders import orders_in_memory
from tests.fakes.queue import FakeQueue
from tests.fakes.recorded import FakeRecorded
from tests.fakes.reports import FakeMissed
from tests.fakes.route_tried import routes_of
from tests.fakes.sip_door import KnownDoor
from tests.fakes.site import FakeSite
from tests.fakes.texts import FakeTexts
from tests.fakes.toll_free import toll_free_in_memory
from tests.fakes.upkeep import upkeep


def _server() -> ApiServer:
    bus = EventBus()
    return ApiServer(
        bind="127.0.0.1:0", worker_socket=Path("worker.sock"), bus=bus,
        live=Board(bus=bus, shop=lambda: SHOP, hang_up=lambda call_id: False),
        accounts=FakeAccounts(), shop=FakeShopFile(), phone_setup=setup_desk(),
        texts=FakeTexts().texts, missed=FakeMissed(), orders=orders_in_memory(lambda: SHOP),
        order_status=status_test(orders_in_memory(lambda: SHOP), lambda: SHOP),
        book=KeptPeople(lambda: SHOP).book,
        couriers=FakeCouriers(lambda: SHOP, orders_in_memory(lambda: SHOP), FakeTexts().texts.answers).couriers,
        transfer=lambda call_id, to: None, connect_two=lambda extension, to: "c9",
        try_route=routes_of(lambda: SHOP),
        toll_free=toll_free_in_memory(lambda: SHOP),
            company=FakeCompany().company, insight=FakeCompany().insight,
            watched=watched(),
        recorded=FakeRecorded().recorded, is_ready=lambda: True,
        upkeep=upkeep(), call_backs=FakeCallBacks(), site=FakeSite(lambda: SHOP, FakeCallBacks()).site,
        queue=FakeQueue(lambda: SHOP, bus).desk, alert_outlets=FakeAlertWays().outlets,
        programs=FakeEventHooks().desk,
        browser_phones=FakeBrowserPhones(lambda: SHOP).phones,
        modems=FakeModemCare().door, door=KnownDoor(lambda: SHOP).door,
    )  # fmt: skip


def test_every_route_is_in_the_contract_and_every_operation_is_served() -> None:
    assert _server().routes == set(scopes())


def test_every_path_is_below_the_version() -> None:
    assert all(path.startswith("/api/v1/") for path in contract()["paths"])


def test_every_reference_leads_somewhere() -> None:
    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        if isinstance(node, list):
            return [found for value in node for found in references(value)]
        return []

    document = contract()
    assert references(document)
    for reference in references(document):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_every_operation_names_a_known_scope_or_is_open_on_purpose() -> None:
    known = set(contract()["components"]["schemas"]["Scope"]["enum"])
    open_to_all = {route for route, scope in scopes().items() if scope is None}
    assert {scope for scope in scopes().values() if scope is not None} <= known
    assert open_to_all == {
        ("GET", "/api/v1/health"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/api/v1/words"),
        ("GET", "/api/v1/setup"),
        ("POST", "/api/v1/setup"),
        ("PUT", "/api/v1/setup/restore"),
        ("POST", "/api/v1/sessions"),
        ("GET", "/api/v1/widget/form"),
        ("POST", "/api/v1/widget/wishes"),
        ("POST", "/api/v1/sessions/code"),
        ("GET", "/api/v1/setup-files/{token}/{name}"),
    }


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for item in contract()["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
