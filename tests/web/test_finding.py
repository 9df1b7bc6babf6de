"""The search of the whole panel: pages, people, phones, lines, orders, calls, messages, each as the role may see it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.store.users import Role
from gateway.worker.seams import CallFilter, MessageFilter
from tests.fakes.gateway_thread import PASSWORD, GatewayThread, gateway_running
from tests.fakes.rows import call_row, message_row
from tests.web.conftest import csrf_of, sign_in
from web.app import create_app
from web.security import SESSION_COOKIE

PART = {"HX-Request": "true"}


def found(browser: FlaskClient, text: str, language: str = "en") -> dict[str, str]:
    """What the box shows: the texts of the links, by their addresses."""
    browser.set_cookie("language", language)
    answer = browser.get("/search", query_string={"q": text}, headers=PART)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    links = re.findall(r'<a href="([^"]+)">(.*?)</a>', answer.text, re.DOTALL)
    return {address: " ".join(re.sub(r"<[^>]+>", " ", inside).split()) for address, inside in links}


def test_people_orders_and_calls_are_found_by_number_and_name(owner: FlaskClient, gateway: GatewayThread) -> None:
    form = {"name": "Мария Розова", "phones": "8 903 111-22-33"}
    owner.post("/contacts", data={"csrf_token": csrf_of(owner, "/contacts"), **form})
    gateway.keep_order("77-1001", customer="Анна", phone="+79031112233")
    gateway.archive.call_rows = [call_row("c1")]
    seen = found(owner, "8 (903) 111-22-33")
    assert gateway.archive.asked[-2:] == [CallFilter(search="9031112233"), MessageFilter(search="9031112233")]
    (contact,) = (address for address in seen if address.startswith("/contacts/"))
    assert seen[contact] == "Мария Розова 8 (903) 111-22-33"
    assert seen["/orders/77-1001"] == "Order 77-1001 Анна · 8 (903) 111-22-33"
    assert seen["/calls/c1"].startswith("8 (903) 111-22-33 → Line red")
    assert contact in found(owner, "розова")
    assert "/orders/77-1001" in found(owner, "77-10")
    assert "/orders/77-1001" in found(owner, "анна"), "however it is written"
    assert "/shop/couriers/edit/2001" in found(owner, "ivan")
    assert "/shop/couriers/edit/2002" in found(owner, "ПЕТР"), "as Пётр is written, too"
    assert found(owner, "+7 916 123-45-67")["/shop/couriers/edit/2001"] == "2001 Ivan 8 (916) 123-45-67"


def test_phones_and_lines_are_found_by_number_and_words(owner: FlaskClient) -> None:
    seen = found(owner, "front DESK")
    assert seen["/shop/phones/edit/101"] == "101 Front desk"
    assert "/shop/phones/edit/101" in found(owner, "101")
    assert found(owner, "8 916 000-00-02")["/lines#line-blue"] == "Line blue 8 (916) 000-00-02"
    assert "/lines#line-red" in found(owner, "red")
    assert not {"/lines#line-red", "/shop/phones/edit/101"} & found(owner, "nobody").keys()
    assert 'id="line-red"' in owner.get("/lines").text
    assert 'id="phone-101"' in owner.get("/phones").text


def test_messages_are_found_and_shown_by_their_beginning(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.message_rows = [
        message_row("m1", text="Где мой заказ? " + "Я очень жду. " * 20),
        message_row("m2", peer=None, text=None, state="undecoded"),
    ]
    seen = found(owner, "мой ЗАКАЗ")
    assert gateway.archive.asked[-1] == MessageFilter(search="мой ЗАКАЗ")
    shown = seen["/messages/with/+79031112233#message-m1"]
    assert shown.startswith("8 (903) 111-22-33: Где мой заказ? Я очень")
    assert "…" in shown
    assert len(shown) < 120
    assert "/messages?show=all&amp;line=red" in seen, "who withholds the number has no conversation"
    gateway.archive.message_rows = [message_row(f"m{number}") for number in range(9)]
    assert "/messages?search=hello&amp;show=all" in found(owner, "hello")


@pytest.mark.parametrize(
    ("text", "language", "address", "shown"),
    [
        ("hours", "en", "/shop/hours", "Hours"),
        ("час", "en", "/shop/hours", "Hours"),
        ("час", "ru", "/shop/hours", "Часы работы"),
        ("HOURS", "ru", "/shop/hours", "Часы работы"),
        ("free toll", "en", "/shop/toll-free", "Toll-free numbers"),
        ("провайд", "ru", "/shop/trunks", "Провайдеры"),
        ("атс", "ru", "/shop/pbx", "Ваша АТС"),
    ],
)
def test_a_page_is_found_by_its_name_in_both_languages(
    owner: FlaskClient, text: str, language: str, address: str, shown: str
) -> None:
    assert found(owner, text, language).get(address) == shown


def test_what_begins_with_the_word_comes_first(owner: FlaskClient) -> None:
    pages = list(found(owner, "lin"))
    assert pages[0] == "/lines"


def test_more_is_a_list_with_that_search(owner: FlaskClient, gateway: GatewayThread) -> None:
    gateway.archive.call_rows = [call_row(f"c{number}") for number in range(9)]
    seen = found(owner, "903")
    assert len([address for address in seen if address.startswith("/calls/c")]) == 5
    assert seen["/calls?search=903&amp;show=all"] == "Show all of these : Calls"


def test_nothing_typed_and_nothing_found_say_what_to_do(owner: FlaskClient) -> None:
    for text in ("", "a", "  "):
        assert "two letters are enough" in owner.get("/search", query_string={"q": text}).text
    part = owner.get("/search?q=nobody+has+this", headers=PART).text
    assert "Nothing found" in part
    assert "Try the last digits of a number" in part
    page = owner.get("/search?q=nobody+has+this")
    assert page.status_code == 200
    assert "Nothing found" in page.text
    assert 'value="nobody has this"' in page.text
    assert "<html" in page.text
    assert "<script>" not in owner.get("/search?q=<script>alert(1)</script>").text.partition("<main")[2]


def test_without_a_script_the_search_is_a_page(owner: FlaskClient) -> None:
    """A link in the head leads there, its form sends what was typed, and what is found stands under it."""
    page = owner.get("/lines").text
    assert re.search(r'<a [^>]*id="search-open" href="/search"', page)
    assert re.search(r'<dialog id="search"[^>]*>.*?<form method="get" action="/search"', page, re.DOTALL)
    assert "<dialog open" not in page
    page = owner.get("/search").text
    form = re.search(r"<main.*?<form ([^>]*)>(.*?)</form>", page, re.DOTALL)
    assert form is not None
    assert 'method="get"' in form[1]
    assert "action=" not in form[1], "to the page itself"
    assert 'name="q"' in form[2]
    assert '<button type="submit">' in form[2]
    page = owner.get("/search?q=front").text
    assert '<a href="/shop/phones/edit/101">' in page.partition("<main")[2]
    assert 'value="front"' in page


def test_every_page_has_the_box(owner: FlaskClient) -> None:
    page = owner.get("/lines").text
    assert 'id="search-open" href="/search"' in page
    assert 'hx-get="/search"' in page


def test_each_role_finds_what_it_may_see(app: Flask, gateway: GatewayThread) -> None:
    def browser(role: Role) -> FlaskClient:
        async def begin() -> str:
            courier = "2001" if role is Role.COURIER else None
            await gateway.accounts.add_user(name=f"a {role}", password=PASSWORD, role=role, courier=courier, by="anna")
            session = await gateway.accounts.sign_in(
                name=f"a {role}", password=PASSWORD, address="10.0.0.1", user_agent=""
            )
            assert session is not None
            return session.token

        client = app.test_client()
        client.set_cookie(SESSION_COOKIE, asyncio.run(begin()))
        return client

    viewer = browser(Role.VIEWER)
    assert "/shop/hours" not in found(viewer, "hours")
    assert found(viewer, "ivan") == {"/couriers": "2001 Ivan 8 (916) 123-45-67"}
    assert found(viewer, "front") == {"/phones#phone-101": "101 Front desk"}
    assert "/lines#line-red" in found(viewer, "red")
    assert "/system/log" not in found(viewer, "log")
    assert "/system/log" in found(browser(Role.ADMIN), "log")
    courier = browser(Role.COURIER)
    assert courier.get("/search?q=ivan").status_code == 403
    assert app.test_client().get("/search?q=ivan").status_code == 302, "nobody is nobody"


def test_lists_that_are_away_are_said_and_the_rest_is_found(tmp_path: Path) -> None:
    served = GatewayThread(tmp_path)
    served.make_owner()
    with gateway_running(served, with_worker=False):
        owner = create_app(served.url).test_client()
        sign_in(owner)
        seen = owner.get("/search?q=ivan", headers=PART).text
        assert "/shop/couriers/edit/2001" in seen
        assert "Lists and recordings are not available now" in seen
