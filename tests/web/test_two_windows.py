"""The same form in two windows: the later one does not undo the earlier one's change unnoticed."""

from __future__ import annotations

import asyncio
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.gateway_thread import GatewayThread

MEANWHILE = "This was changed meanwhile, by somebody else or in another window."


def fields_of(page: str, action: str) -> dict[str, str]:
    """What a browser sends of the form with that action when nothing is touched; no action: the form that says none."""
    for head, inside in re.findall(r"<form ([^>]*)>(.*?)</form>", page, re.DOTALL):
        said = re.search(r'action="([^"]*)"', head)
        if 'name="seen"' not in inside or (unescape(said[1]) if said else "") != action:
            continue
        inputs = re.findall(
            r'<input name="([^"]+)"(?![^>]*type="(?:checkbox|file|password)")[^>]*value="([^"]*)"', inside
        )
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', inside)
        chosen = [
            (name, value)
            for name, options in re.findall(r'<select name="([^"]+)">(.*?)</select>', inside, re.DOTALL)
            for value in re.findall(r'<option value="([^"]*)" selected', options)
        ]
        ticked = re.findall(r'<input name="([^"]+)" type="checkbox" value="([^"]*)" checked', inside)
        return {name: unescape(value) for name, value in (*inputs, *hidden, *chosen, *ticked)}
    raise AssertionError(f"no form for {action!r} that says what it was filled from")


def send(browser: FlaskClient, where: str, form: dict[str, str]) -> TestResponse:
    return browser.post(where, data=form, follow_redirects=True)


@pytest.mark.parametrize(
    ("page", "action", "values"),
    [
        ("/shop/couriers/edit/2001", "", ("name", "Igor", "Oleg")),
        ("/shop/general", "", ("name", "Roses", "Tulips")),
        ("/shop/hours", "/shop/hours", ("monday", "09:00-13:00", "10:00-12:00")),
        ("/reception", "/reception", ("night_seconds", "25", "35")),
        ("/queue", "/queue", ("wrap_up_seconds", "11", "12")),
        ("/shop/toll-free", "/shop/toll-free", ("caller_per_hour", "7", "8")),
        ("/site", "/site", ("per_day", "21", "22")),
        ("/lines/red/rules", "/lines/red/rules", ("minutes_per_day", "61", "62")),
        ("/order-status", "/order-status", ("tries", "4", "5")),
        ("/shop/pbx", "/shop/pbx", ("host", "pbx.one", "pbx.two")),
        ("/orders/1001", "/orders/1001/change", ("customer", "Maria", "Marina")),
        ("/contacts/k1", "/contacts/k1/change", ("name", "Maria", "Marina")),
    ],
)
def test_the_later_window_is_told_and_may_overwrite(
    owner: FlaskClient, gateway: GatewayThread, page: str, action: str, values: tuple[str, str, str]
) -> None:
    """`values`: a field, and what the first and the second window say in it."""
    field, first, second = values
    gateway.keep_order("1001", customer="Olga")
    gateway.people.keep_contact("k1", "Olga", "+79031112233")
    asyncio.run(gateway.people.contacts.load())
    one = other = fields_of(owner.get(page).text, action)
    where = action or page
    assert send(owner, where, {**one, field: first}).status_code == 200

    told = send(owner, where, {**other, field: second})
    assert (told.status_code, MEANWHILE in told.text) == (409, True)
    assert f'value="{second}"' in told.text, "nothing that was typed is lost"
    assert f'value="{first}"' in owner.get(page).text, "the earlier change stands"

    again = fields_of(told.text, action)
    assert again[field] == second
    taken = send(owner, where, again)
    assert (taken.status_code, MEANWHILE in taken.text) == (200, False)
    assert f'value="{second}"' in owner.get(page).text


def test_a_form_that_nobody_has_overtaken_is_taken(owner: FlaskClient) -> None:
    page = "/shop/couriers/edit/2001"
    assert send(owner, page, {**fields_of(owner.get(page).text, ""), "name": "Igor"}).status_code == 200
    assert send(owner, page, {**fields_of(owner.get(page).text, ""), "name": "Oleg"}).status_code == 200
    assert 'value="Oleg"' in owner.get(page).text
