"""Changes of the shop are undone in the panel; so is, for some minutes, what was removed, closed, or of an order."""

from __future__ import annotations

import asyncio
import io
import re
from dataclasses import replace

from flask.testing import FlaskClient

from tests.fakes.exchange_view import SHOP
from tests.fakes.gateway_thread import GatewayThread
from tests.fakes.reports import missed_row
from tests.fakes.rows import call_row
from tests.web.conftest import csrf_of


def test_a_change_is_undone(owner: FlaskClient, gateway: GatewayThread) -> None:
    where = "/shop/versions"
    assert "Nothing to undo" in owner.get(where).text
    gateway.shop_file.former = [replace(SHOP, name="Before"), replace(SHOP, name="Later")]
    page = owner.get(where).text
    assert page.count("Go back to before this") == 2, "there is nothing before the first"
    assert 'action="/shop/versions/2/restore"' in page
    assert "anna" in page

    def undo(version: int) -> tuple[int, str]:
        token = csrf_of(owner, where)
        answer = owner.post(f"{where}/{version}/restore", data={"csrf_token": token}, follow_redirects=True)
        return answer.status_code, answer.text

    status, page = undo(1)
    assert (status, "The shop is as it was before." in page) == (200, True)
    assert gateway.shop_file.shop.name == "Before"
    assert gateway.shop_file.imported_by == ["anna"]
    assert undo(7)[0] == 404
    assert owner.get("/shop/versions/x/restore").status_code == 404


def _undo(browser: FlaskClient, page: str) -> str:
    """Press the button that the page offers; what the person sees next."""
    offer = re.search(r'class="notice ok undo".*?action="([^"]+)"(.*?)</form>', page, re.DOTALL)
    assert offer is not None, "nothing is offered"
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', offer[2]))
    return browser.post(offer[1], data=fields, follow_redirects=True).text


def test_a_contact_a_note_and_a_closed_customer_come_back(owner: FlaskClient, gateway: GatewayThread) -> None:
    people, token = gateway.people, {"csrf_token": csrf_of(owner, "/contacts")}
    people.keep_contact("k1", "Мария", "+79031112233")
    asyncio.run(people.contacts.load())
    owner.post("/contacts/k1/remove", data=token)
    owner.get("/calls")
    page = owner.get("/contacts").text
    assert "The contact has been deleted." in page, "it is offered after a reload too"
    page = _undo(owner, page)
    assert "The contact has been restored." in page
    assert "Мария" in page
    assert "The contact has been deleted." not in owner.get("/contacts").text
    gone = owner.post("/contacts/k1/put-back", data=token, follow_redirects=True).text
    assert "That can no longer be undone." in gone

    gateway.archive.call_rows = [call_row("c1")]
    people.keep_call("c1")
    note_id = asyncio.run(people.notes.add("c1", "Хочет розы", by="anna"))
    page = owner.post(f"/calls/c1/notes/{note_id}/remove", data=token, follow_redirects=True).text
    assert "The note has been restored." in _undo(owner, page)
    assert not asyncio.run(people.notes.put_back("c1", str(note_id), by="anna")), "it is there"

    gateway.reports.customers = [missed_row()]
    form = {**token, "number": "+79031112233", "reason": "a slip"}
    page = owner.post("/missed/close", data=form, follow_redirects=True).text
    assert "The customer is on the list again." in _undo(owner, page)
    assert gateway.reports.customers[0]["ended"] is None


def test_a_changed_and_a_closed_order_are_as_they_were(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.keep_order("77/1001", customer="Мария", phone="+79031112233")
    where, token = "/orders/77%2F1001", {"csrf_token": csrf_of(owner, "/orders")}
    form = {**token, "phone": "+79031112233", "customer": "", "stage": "cancelled"}
    page = owner.post(f"{where}/change", data=form, follow_redirects=True).text
    assert "77/1001: The order has been changed." in page
    assert "77/1001: The order has been changed." in owner.get("/calls").text, "on every page, also after a reload"
    page = _undo(owner, page)
    assert "The order is as it was." in page
    assert 'value="Мария"' in page
    (order,) = gateway.orders.alive()
    assert (order.customer, order.stage, order.ended_at) == ("Мария", "accepted", None)

    offered = owner.post(f"{where}/close", data=token, follow_redirects=True).text
    assert gateway.orders.alive() == ()
    assert "no longer connected" in offered
    assert "The order is as it was." in _undo(owner, offered)
    assert [each.number for each in gateway.orders.alive()] == ["77/1001"]
    assert "That can no longer be undone." in _undo(owner, offered), "once"
    offered = owner.post(f"{where}/close", data=token, follow_redirects=True).text
    gateway.orders.forget_changes()
    assert "That can no longer be undone." in _undo(owner, offered)
    assert gateway.orders.alive() == ()


def test_a_change_of_the_shop_is_taken_back_where_it_was_made(owner: FlaskClient, gateway: GatewayThread) -> None:
    token = {"csrf_token": csrf_of(owner, "/shop/couriers/new")}
    page = owner.post("/shop/couriers/edit/2001/remove", data=token, follow_redirects=True).text
    assert "2001 has been removed." in page
    assert gateway.shop_file.shop.courier("2001") is None
    page = _undo(owner, page)
    assert "The shop is as it was before." in page
    assert "Ivan" in page, "the list of couriers again"
    assert gateway.shop_file.shop == SHOP
    assert 'class="notice ok undo"' not in page

    changed = {**token, "name": "Roses", "language": "en", "time_zone": "UTC", "currency": "RUB", "country": "RU"}
    page = owner.post(
        "/shop/general", data={**changed, "recorded_calls": "none", "recording_notice": "none"}, follow_redirects=True
    ).text
    assert gateway.shop_file.shop.name == "Roses"
    assert 'value="Flowers &amp; Co"' in _undo(owner, page)


def test_what_somebody_has_changed_since_is_not_taken_back_with_it(owner: FlaskClient, gateway: GatewayThread) -> None:
    token = {"csrf_token": csrf_of(owner, "/shop/couriers/new")}
    page = owner.post("/shop/couriers/edit/2001/remove", data=token, follow_redirects=True).text
    gateway.shop_file.shop = replace(gateway.shop_file.shop, name="Roses")
    page = _undo(owner, page)
    assert "The shop has been changed again since. Choose here what to undo." in page
    assert "Go back to before this" in page
    assert (gateway.shop_file.shop.name, gateway.shop_file.shop.courier("2001")) == ("Roses", None)


def test_what_changed_nothing_is_not_offered_to_be_taken_back(owner: FlaskClient, gateway: GatewayThread) -> None:
    hours = {"csrf_token": csrf_of(owner, "/shop/hours"), "monday": "9-13"}
    assert 'class="notice ok undo"' in owner.post("/shop/hours", data=hours, follow_redirects=True).text
    owner.post("/undo/not-wanted", data=hours)
    page = owner.post("/shop/hours", data=hours, follow_redirects=True).text
    assert "The hours have been changed." in page
    assert 'class="notice ok undo"' not in page


def test_what_was_not_done_does_not_look_as_if_it_was(owner: FlaskClient) -> None:
    token = {"csrf_token": csrf_of(owner, "/orders")}
    page = owner.post("/calls/unknown/hangup", data=token, follow_redirects=True).text
    assert re.search(r'class="notice warn" role="alert">.{1,200}That call is already over\.', page, re.DOTALL)


def test_a_file_of_contacts_and_a_table_of_orders_are_taken_back_whole(
    owner: FlaskClient, gateway: GatewayThread
) -> None:
    token = {"csrf_token": csrf_of(owner, "/contacts")}
    gateway.keep_order("1001", customer="Мария", phone="+79031112233")
    table = "number,phone,customer\n1001,+79031112233,Ольга\n1002,+79031112234,Вера\n1003,+79031112235,Анна\n"
    form = {**token, "file": (io.BytesIO(table.encode()), "orders.csv")}
    page = owner.post("/orders/import", data=form, follow_redirects=True).text
    assert "New orders: 2, changed: 1." in page
    gateway.keep_order("1003", note="hurry")
    page = _undo(owner, page)
    assert "The import is undone. As before it: 2." in page
    assert "Left as they are, since they have been changed, removed or used: 1003." in page
    assert {each.number: each.customer for each in gateway.orders.alive()} == {"1001": "Мария", "1003": "Анна"}
    again = owner.post("/orders/imports/x/take-back", data=token, follow_redirects=True).text
    assert "That can no longer be undone." in again

    form = {**token, "file": (io.BytesIO(b"phone,name\n+79035550009,Boris\n"), "people.csv")}
    page = owner.post("/contacts/import", data=form).text
    assert "Contacts from a file: new 1, changed 0." in page
    page = _undo(owner, owner.get("/calls").text)
    assert "The import is undone. As before it: 1." in page
    assert "Boris" not in page


def test_a_refusal_is_not_headed_by_what_was_done_before_it(owner: FlaskClient) -> None:
    token = {"csrf_token": csrf_of(owner, "/shop/couriers/new")}
    owner.post("/shop/couriers/edit/2001/remove", data=token)
    refused = owner.post("/shop/couriers/new", data={**token, "extension": "2009", "mobile": "12"})
    assert (refused.status_code, "has been removed" in refused.text) == (422, False)
    assert "2001 has been removed." in owner.get("/calls").text, "it can still be taken back"
