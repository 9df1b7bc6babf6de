"""The status of orders by the API: rules, secrets that are not shown, and the test of a shop's program (A19)."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from gateway.messages import words
from gateway.telephony.order_reading import SourceTrouble
from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time

PATH = "/api/v1/order-status"
SECRET = "Bearer not-told-to-anybody"


@asynccontextmanager
async def shop_program(answer: object, seen: list[str]) -> AsyncIterator[str]:
    """A shop's program on loopback that knows the order 1001; gives its address."""

    async def order(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.json_response(answer) if request.match_info["number"] == "1001" else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/api/orders/{number}", order)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/orders/{{number}}"
    finally:
        await runner.cleanup()


async def test_the_program_of_a_shop_is_set_up_and_tried_out() -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Moscow")).date()
    answer = {
        "data": [{"state": {"title": "Едет к вам"}, "client": {"phone": "8 903 555-00-01"}, "day": today.isoformat()}]
    }
    seen: list[str] = []
    async with serving() as served, shop_program(answer, seen) as url:
        await served.set_up()
        status, rules = await served.ask("GET", PATH)
        assert status == 200
        assert_fits(rules, "OrderStatusRules")
        assert [way["name"] for way in rules["ways"]] == ["red", "blue"]
        source = {
            "url": url, "stage": "data.0.state.title", "phone": "data.0.client.phone", "delivery_on": "data.0.day",
        }  # fmt: skip
        form = {
            "order_source": source, "order_headers": [{"name": "Authorization", "secret": SECRET}],
            "order_status": {"extension": "700", "ways": ["blue"]},
        }  # fmt: skip
        status, problem = await served.ask("PUT", PATH, json=form)
        assert (status, problem["code"]) == (422, "settings-invalid"), "a private address needs the owner's word"
        source["private"] = True  # type: ignore[assignment]  # JSON
        status, rules = await served.ask("PUT", PATH, json=form)
        assert status == 200
        assert rules["order_headers"] == [{"name": "Authorization", "has_secret": True}]
        assert SECRET not in json.dumps(rules)
        assert served.shop_file.shop.order_status.ways == ("blue",)

        status, tried = await served.ask("POST", PATH + "/test", json={"number": "1001"})
        assert status == 200
        assert_fits(tried, "OrderStatusTest")
        assert (tried["told"], tried["trouble"], tried["found"]["stage"]) == ("away", "unknown-word", "Едет к вам")
        form = {
            "order_words": [{"word": "едет к вам", "stage": "with-courier"}],
            "order_headers": [{"name": "Authorization"}],
        }
        assert (await served.ask("PUT", PATH, json=form))[0] == 200
        status, tried = await served.ask("POST", PATH + "/test", json={"number": "A-1001"})
        assert_fits(tried, "OrderStatusTest")
        assert (tried["told"], tried["stage"], tried["phone"]) == ("status", "with-courier", "+79035550001")
        assert tried["phrase"] == "Your order 1 0 0 1 is with the courier, delivery today."
        assert seen == [SECRET, SECRET], "a header that comes without its secret keeps it"

        assert (await served.ask("GET", PATH + "/phrase?keys=digit-1,nonsense"))[0] == 404
        async with served.client.get(
            served.url(PATH + "/phrase"), params={"keys": ",".join(tried["keys"])},
            headers={"Authorization": f"Bearer {served.token}"},
        ) as sound:  # fmt: skip
            assert (sound.status, sound.content_type) == (200, "audio/wav")
            with wave.open(io.BytesIO(await sound.read())) as file:
                assert (file.getframerate(), file.getnchannels()) == (8000, 1)
                assert 4 < file.getnframes() / 8000 < 12


async def test_orders_that_are_sent_to_us_speak_the_shop_s_words_and_are_told() -> None:
    """A push to our API, and a table, by the same words."""
    async with serving() as served:
        await served.set_up()
        order = {"number": "1001", "phone": "+79035550001", "stage": "Вручён", "delivery_from": "14-18"}
        assert (await served.ask("POST", "/api/v1/orders", json=order))[1]["stage"] == "delivered"
        status, changed = await served.ask("PUT", "/api/v1/orders/1001", json={"stage": "shipped", "delivery_on": "1"})
        assert (status, changed["delivery_from"], changed["delivery_to"]) == (200, "14:00", "18:00")
        assert (await served.ask("PUT", "/api/v1/orders/1001", json={"stage": "eaten"}))[0] == 422
        assert (await served.ask("PUT", "/api/v1/orders/1001", json={"delivery_on": "soon"}))[0] == 422
        _, tried = await served.ask("POST", PATH + "/test", json={"number": "1001"})
        assert (tried["asked"], tried["trouble"]) == (False, None)
        said = "Your order 1 0 0 1 has been shipped, delivery tomorrow from fourteen to eighteen o'clock."
        assert tried["phrase"] == said
        _, tried = await served.ask("POST", PATH + "/test", json={"number": "9999"})
        assert (tried["told"], tried["phrase"], tried["keys"]) == ("not-found", "", [])
        for wrong in ({"number": "x"}, {"number": ""}, {}, {"number": 1}):
            assert (await served.ask("POST", PATH + "/test", json=wrong))[0] == 400
        assert (await served.ask("PUT", PATH, json={"order_words": [{"word": "x", "stage": "eaten"}]}))[0] == 422
        assert (await served.ask("GET", PATH + "/phrase?keys=" + ",".join(["digit-1"] * 41)))[0] == 400


def test_every_trouble_has_its_sentences() -> None:
    for language in ("en", "ru"):
        assert words(language)["order_source"].keys() == set(SourceTrouble)
