"""What the first run asks of the API: an account tried before it is kept, emulated modems, test calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.telephony.shop import TrunkSettings
from gateway.telephony.trial_call import Trial, TrialStage, TrialVerdict
from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.exchange_view import SHOP
from tests.fakes.trunk_tried import RIGHT_PASSWORD

pytestmark = pytest.mark.real_time

PATH = "/api/v1/shop/trunk-trial"
KEPT = TrunkSettings(name="provider", host="sip.example.net", user="shop", password=RIGHT_PASSWORD)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"host": "sip.example.net", "user": "shop", "password": RIGHT_PASSWORD}, {"state": "ready", "reason": None}),
        (
            {"host": "sip.example.net", "user": "shop", "password": "x"},
            {"state": "refused", "reason": "wrong-password"},
        ),
        ({"host": "nowhere.example"}, {"state": "failed", "reason": "no-address"}),
        # The kept password goes to the server that it is for, and to no other.
        ({"host": "sip.example.net", "user": "shop", "name": "provider"}, {"state": "ready", "reason": None}),
    ],
)
async def test_an_account_is_tried(body: dict[str, str], expected: dict[str, Any]) -> None:
    async with serving() as served:
        await served.set_up()
        served.shop_file.shop = replace(SHOP, trunks=(KEPT,))
        status, answer = await served.ask("POST", PATH, json=body)
        assert (status, answer) == (200, expected)
        assert_fits(answer, "TrunkTried")
        assert served.shop_file.imported_by == []


async def test_the_kept_password_is_not_tried_elsewhere() -> None:
    async with serving() as served:
        await served.set_up()
        served.shop_file.shop = replace(SHOP, trunks=(KEPT,))
        await served.ask("POST", PATH, json={"host": "evil.example", "user": "shop", "name": "provider"})
        assert served.provider.asked[-1].password is None


@pytest.mark.parametrize(
    "body", [{}, {"host": ""}, {"host": "a b"}, {"host": "x", "transport": "pigeon"}, {"host": "x", "more": "y"}]
)
async def test_what_cannot_be_tried(body: dict[str, str]) -> None:
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("POST", PATH, json=body))[0] == 400


async def test_emulated_modems_begin_and_end_and_stand_among_no_real_ones() -> None:
    path, line = "/api/v1/emulated-modems", "/api/v1/shop/parts/lines/new"
    async with serving() as served:
        await served.set_up()
        served.emulated.real = 1
        status, answer = await served.ask("PUT", path)
        assert (status, answer["code"]) == (409, "real-modems-there")
        served.emulated.real = 0
        status, answer = await served.ask("PUT", path)
        assert (status, answer) == (200, {"state": "on", "possible": False, "real": 0})
        assert_fits(answer, "EmulatedModems")
        status, answer = await served.ask("PUT", line, json={"modem": "usb-1-1"})
        assert (status, answer["code"]) == (409, "emulated-modems-run")
        assert (await served.ask("PUT", "/api/v1/shop/parts/lines/red", json={"minutes_per_day": 5}))[0] == 200
        assert (await served.ask("DELETE", path))[1]["state"] == "off"
        assert (await served.ask("PUT", line, json={"modem": "usb-1-1"}))[0] == 200
        assert served.emulated.done == ["begun by anna", "ended by anna"]


async def test_a_test_call_is_placed_and_told_of() -> None:
    path = "/api/v1/test-calls"
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("POST", path, json={"extension": "101"})
        assert (status, answer) == (201, {"call": "t1"})
        served.trials.trial_now = Trial("101", TrialStage.OVER, TrialVerdict.BOTH_WAYS, -21.5)
        status, answer = await served.ask("GET", f"{path}/t1")
        assert (status, answer["verdict"], answer["level_dbfs"]) == (200, "both-ways", -21.5)
        assert_fits(answer, "TestCall")
        refused = [await served.ask("POST", path, json={"extension": each}) for each in ("102", "999", "")]
        assert [status for status, _ in refused] == [409, 404, 400]
        assert (await served.ask("GET", f"{path}/unknown"))[0] == 404


async def test_a_line_calls_a_number_once_for_each_key_and_it_is_on_record() -> None:
    path = "/api/v1/lines/red/test-calls"
    async with serving() as served:
        await served.set_up()
        assert (await served.ask("POST", path, json={"number": "+79161112233"}))[0] == 400, "no key"
        keys = [{"Idempotency-Key": f"test-call-{each}"} for each in (1, 1, 2)]
        asked = [await served.ask("POST", path, json={"number": "+79161112233"}, headers=key) for key in keys]
        assert asked == [(201, {"call": "t1"}), (201, {"call": "t1"}), (201, {"call": "t2"})]
        assert served.trials.rung == ["red +79161112233"] * 2
        served.trials.trial_now = Trial("+79161112233", TrialStage.LISTENING, level_dbfs=-21.5, line="red")
        _, answer = await served.ask("GET", "/api/v1/test-calls/t1")
        assert (answer["party"], answer["line"], answer["cause"]) == ("+79161112233", "red", None)
        assert_fits(answer, "TestCall")
        barred = await served.ask("POST", path, json={"number": "112"}, headers={"Idempotency-Key": "test-call-3"})
        assert (barred[0], barred[1]["code"]) == (403, "number-barred")
        elsewhere = await served.ask("POST", path.replace("red", "grey"), json={"number": "1"}, headers=keys[0])
        assert elsewhere[0] == 404
        noted = [each for each in served.modems.noted if each[1] == "line.test-call"]
        assert noted == [("anna", "line.test-call", "red")] * 3
