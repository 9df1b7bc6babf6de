"""The reception and the promised call-backs by the API."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

from gateway.telephony.order_status import OrderStatusRules
from gateway.telephony.promised import PromiseState
from gateway.telephony.reception import Reception
from gateway.telephony.shop import TrunkSettings
from tests.api.served import serving
from tests.fakes.call_backs import PROMISED_AT


async def test_the_rules_their_line_of_time_and_other_values() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("GET", "/api/v1/reception")
        assert status == 200
        assert answer["rules"] == asdict(Reception())
        assert [(each["name"], each["begins"], each["is_answered"]) for each in answer["phases"]] == [
            ("ring", 0.0, False), ("greeting", 8.7, True), ("music", 26.7, True), ("offer", 39.7, True),
        ]  # fmt: skip
        assert [(each["code"], each["subject"]) for each in answer["advice"]] == [("mobile-as-main", "red")]
        status, answer = await served.ask("PATCH", "/api/v1/reception", json={"quiet_rings": 3, "night_to": "101"})
        assert (status, answer["rules"]["quiet_rings"], answer["phases"][1]["begins"]) == (200, 3, 13.0)
        assert served.shop_file.shop.reception.night_to == "101"
        for wrong in ({"quiet_rings": 0}, {"night_to": "nobody"}, {"greeting_seconds": 19}, {"on": "yes"}):
            assert (await served.ask("PATCH", "/api/v1/reception", json=wrong))[0] == 422
        assert (await served.ask("PATCH", "/api/v1/reception", json={"nonsense": 1}))[0] == 400
        status, answer = await served.ask("PATCH", "/api/v1/reception", json={"quiet_rings": None})
        assert answer["rules"]["quiet_rings"] == 2


async def test_what_is_to_be_thought_over() -> None:
    async with serving() as served:
        await served.set_up()
        shop = served.shop_file.shop
        free = TrunkSettings(name="free", host="sip.example.net", number="+78001234567")
        city = TrunkSettings(name="city", host="sip.example.net", number="+74951234567")
        menu = replace(city, asks_extension=True)
        for trunks, codes in (
            ((city,), []),
            ((city, free), ["toll-free-not-greeted"]),
            ((menu,), ["menu-first"]),
            ((city, replace(menu, name="second", number="+74951234568")), []),
            ((city, replace(free, asks_extension=True)), ["toll-free-not-greeted", "menu-first"]),
        ):
            served.shop_file.shop = replace(shop, trunks=trunks)
            _, answer = await served.ask("GET", "/api/v1/reception")
            assert [each["code"] for each in answer["advice"]] == codes


async def test_the_main_number_is_not_for_the_status_of_orders() -> None:
    """A10."""
    async with serving() as served:
        await served.set_up()
        city = TrunkSettings(name="city", host="sip.example.net", number="+74951234567")
        for ways, codes in ((("city",), ["menu-first"]), (("red",), []), ((), [])):
            rules = OrderStatusRules(ways=ways)
            served.shop_file.shop = replace(served.shop_file.shop, trunks=(city,), order_status=rules)
            _, answer = await served.ask("GET", "/api/v1/reception")
            assert [each["code"] for each in answer["advice"]] == codes


async def test_promised_call_backs_are_listed_and_taken_off() -> None:
    async with serving() as served:
        await served.set_up()
        promise = served.call_backs.add("+79035550001")
        served.call_backs.add("+79035550003", due_at=PROMISED_AT - timedelta(minutes=5))
        promised = (await served.ask("GET", "/api/v1/snapshot"))[1]["promised"]
        assert promised == {"waiting": 2, "due_at": "2027-01-29T08:55:00.000Z"}
        served.call_backs.promises.pop()
        served.call_backs.add("+79035550002", state=PromiseState.KEPT, attempts=1)
        status, answer = await served.ask("GET", "/api/v1/call-backs")
        assert status == 200
        assert [(each["number"], each["state"], each["due_at"]) for each in answer["waiting"]] == [
            ("+79035550001", "waiting", "2027-01-29T09:00:00.000Z")
        ]
        assert [(each["number"], each["attempts"]) for each in answer["over"]] == [("+79035550002", 1)]
        assert (await served.ask("POST", f"/api/v1/call-backs/{promise.id}/cancel"))[0] == 204
        assert (await served.ask("POST", f"/api/v1/call-backs/{promise.id}/cancel"))[0] == 404
        assert (await served.ask("GET", "/api/v1/call-backs"))[1]["waiting"] == []
