"""The rules for the status of orders: read, checked, changed by themselves, and their secrets kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import SettingsError
from gateway.store.shop_document.order_status_settings import with_order_status
from gateway.store.shop_document.shop_file import MASK, read_shop, read_shop_with_notes, write_shop
from gateway.telephony.order_status import OrderHeader, OrderSource, OrderStatusRules
from gateway.telephony.orders import Stage
from gateway.telephony.shop import Shop, TrunkSettings
from gateway.telephony.stage_words import StageWord
from tests.fakes.exchange_view import SHOP

URL = "https://shop.example/api/orders/{number}"
SECRET = "Bearer not-told-to-anybody"
SET = replace(
    SHOP,
    order_words=(StageWord(word="Отгружен", stage=Stage.SHIPPED),),
    order_source=OrderSource(url=URL, stage="order.status", delivery_on="order.delivery.0.date"),
    order_headers=(OrderHeader(name="Authorization", secret=SECRET),),
    order_status=OrderStatusRules(extension="700", ways=("blue",), tries=2),
)


def test_what_is_written_reads_back_and_secrets_are_masked_and_kept() -> None:
    text = write_shop(SET)
    assert SECRET not in text
    assert MASK in text
    assert read_shop(text, SET) == SET
    assert read_shop(write_shop(SET, with_secrets=True)) == SET
    elsewhere = read_shop_with_notes(text)
    assert elsewhere.shop.order_headers == (OrderHeader(name="Authorization"),)
    assert any("Authorization" in note for note in elsewhere.notes)
    assert SECRET not in repr(SET)


def test_a_part_is_changed_by_itself() -> None:
    changed = with_order_status(
        SET, {"order_headers": [{"name": "Authorization"}, {"name": "X-Api-Key", "secret": "k2"}]}
    )
    assert changed.order_headers == (
        OrderHeader(name="Authorization", secret=SECRET), OrderHeader(name="X-Api-Key", secret="k2"),
    )  # fmt: skip
    assert replace(changed, order_headers=SET.order_headers) == SET
    changed = with_order_status(changed, {"order_headers": [{"name": "X-Api-Key", "secret": "k3"}]})
    assert changed.order_headers == (OrderHeader(name="X-Api-Key", secret="k3"),)
    rules = with_order_status(SET, {"order_status": {"extension": "701", "ways": []}, "order_words": []})
    assert (rules.order_status, rules.order_words) == (OrderStatusRules(extension="701"), ())
    assert with_order_status(Shop(), {}) == Shop()


def test_a_secret_is_told_to_no_other_program() -> None:
    """Whoever may change the address, but does not know the secret, cannot have it sent to a program of his own."""
    thief = {"url": "https://thief.example/{number}"}
    for table in ({"order_source": thief}, {"order_source": thief, "order_headers": [{"name": "Authorization"}]}):
        assert with_order_status(SET, table).order_headers[0].secret in (None, "")
    known = with_order_status(SET, {"order_source": {"url": "https://shop.example/v2/{number}"}})
    assert known.order_headers[0].secret == SECRET
    masked = write_shop(SET).replace("https://shop.example/", "https://thief.example/")
    read = read_shop_with_notes(masked, SET)
    assert read.shop.order_source.url.startswith("https://thief.example/")
    assert read.shop.order_headers == (OrderHeader(name="Authorization"),)
    assert any("Authorization" in note for note in read.notes)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("order_words", [{"word": "x", "stage": "eaten"}]),
        ("order_words", [{"word": " ", "stage": "shipped"}]),
        ("order_words", [{"word": "Отменён", "stage": "shipped"}, {"word": "отменен ", "stage": "packed"}]),
        ("order_source", {"url": "https://shop.example/api/orders"}),
        ("order_source", {"url": "https://{number}.shop.example/"}),
        ("order_source", {"url": "http://shop.example/{number}"}),
        ("order_source", {"url": "ftp://shop.example/{number}"}),
        ("order_source", {"url": "https://anna:secret@shop.example/{number}"}),
        ("order_source", {"url": "https://shop.example/{number} x"}),
        ("order_source", {"url": "https://[::1/{number}"}),
        ("order_source", {"url": "/api/{number}"}),
        ("order_source", {"url": URL, "stage": ""}),
        ("order_source", {"url": URL, "phone": "a..b"}),
        ("order_source", {"nonsense": 1}),
        ("order_headers", [{"name": "Host", "secret": "x"}]),
        ("order_headers", [{"name": "a b", "secret": "x"}]),
        ("order_headers", [{"name": "A", "secret": "x"}, {"name": "a", "secret": "y"}]),
        ("order_headers", [{"name": "A", "secret": "x\r\nB: y"}]),
        ("order_headers", [{"name": "A", "secret": "секрет"}]),
        ("order_headers", "x"),
        ("order_status", {"extension": "101"}),
        ("order_status", {"extension": "2001"}),
        ("order_status", {"extension": "*7"}),
        ("order_status", {"ways": ["green"]}),
        ("order_status", {"tries": 0}),
    ],
)
def test_what_cannot_be(part: str, value: object) -> None:
    with pytest.raises(SettingsError):
        with_order_status(SET, {part: value})


def test_a_program_in_a_private_network_needs_the_owner_s_word() -> None:
    source = {"url": "http://192.168.1.5/orders/{number}", "private": True}
    assert with_order_status(SET, {"order_source": source}).order_source.private


def test_a_toll_free_number_cannot_tell_the_status() -> None:
    free = replace(SET, trunks=(TrunkSettings(name="free", host="sip.example.net", number="8 800 123-45-67"),))
    with pytest.raises(SettingsError, match="toll-free"):
        with_order_status(free, {"order_status": {"ways": ["free"]}})
