"""Looking after a modem by the API: what it takes, what it refuses, and what is on record."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time


async def test_a_modem_is_looked_after() -> None:
    async with serving() as served:
        await served.set_up()
        path = "/api/v1/modems/m0"
        status, condition = await served.ask("GET", path)
        assert status == 200
        assert_fits(condition, "ModemCondition")
        for method, where in (("GET", ""), ("GET", "/dialogue"), ("DELETE", "/pin")):
            assert (await served.ask(method, f"/api/v1/modems/m7{where}"))[0] == 404
        for _ in range(3):
            status, dialogue = await served.ask("GET", f"{path}/dialogue")
        assert_fits(dialogue, "ModemDialogue")
        assert dialogue["lines"] == [{"time": "2027-01-29T09:00:00.000Z", "way": "out", "text": "AT+CSQ"}]

        status, vitals = await served.ask("GET", f"{path}/vitals")
        assert (status, vitals["celsius"], vitals["restarts"]) == (200, 34, 2)
        assert_fits(vitals, "ModemVitals")
        assert (await served.ask("GET", "/api/v1/modems/m7/vitals"))[0] == 404

        status, reply = await served.ask("POST", f"{path}/questions", json={"question": "AT+CSQ"})
        assert (status, reply) == (200, {"lines": ["+CSQ: 20,99"], "result": "OK"})
        assert_fits(reply, "ModemReply")
        for wrong in ("ATD112;", "AT+CMGL=4", "", "AT+CSQ\r"):
            assert (await served.ask("POST", f"{path}/questions", json={"question": wrong}))[0] == 400

        assert (await served.ask("POST", f"{path}/restart", json={"step": "reopen"}))[0] == 202
        assert (await served.ask("POST", f"{path}/restart", json={"step": "power"}))[0] == 409, "no hub that can"
        for body in ({"step": "hammer"}, {"step": "reopen", "ends_call": "yes"}, {}):
            assert (await served.ask("POST", f"{path}/restart", json=body))[0] == 400, body
        served.modems.now = replace(served.modems.now, in_call=True)
        status, answer = await served.ask("POST", f"{path}/restart", json={"step": "restart"})
        assert (status, answer["code"]) == (409, "modem-in-call")
        assert (await served.ask("POST", f"{path}/restart", json={"step": "restart", "ends_call": True}))[0] == 202
        served.modems.now = replace(served.modems.now, questions=(), steps=())
        assert (await served.ask("POST", f"{path}/questions", json={"question": "ATI"}))[0] == 409
        assert served.modems.done == ["AT+CSQ", "reopen", "restart"]
        assert served.modems.noted == [
            ("anna", "modem.looked-into", "m0"),
            ("anna", "modem.asked", "m0: AT+CSQ"),
            ("anna", "modem.restarted", "m0: reopen"),
            ("anna", "modem.restarted", "m0: restart"),
        ]


async def test_a_pin_is_given_once_and_never_told() -> None:
    async with serving() as served:
        await served.set_up()
        served.modems.lock()
        path = "/api/v1/modems/m0/pin"
        for body in ({"pin": "123"}, {"pin": "123456789"}, {"pin": 1234}, {"pin": "2580", "keeps": 1}, {}):
            assert (await served.ask("PUT", path, json=body))[0] == 400, body
        assert (await served.ask("DELETE", path))[0] == 404
        codes = []
        for pin, last_try in (("1111", False), ("1111", True), ("2222", False), ("2580", False)):
            status, answer = await served.ask("PUT", path, json={"pin": pin, "last_try": last_try})
            codes.append((status, answer["code"]))
            assert pin not in str(answer)
        assert codes == [
            (422, "pin-wrong"), (409, "pin-tried-before"), (422, "pin-wrong"), (409, "last-pin-try"),
        ]  # fmt: skip
        assert (await served.ask("PUT", path, json={"pin": "2580", "last_try": True, "keeps": True}))[0] == 204
        _, condition = await served.ask("GET", "/api/v1/modems/m0")
        assert condition["pin"] == {"wanted": False, "tries": 1, "kept": True}
        assert (await served.ask("DELETE", path))[0] == 204
        assert {action for _, action, _ in served.modems.noted} == {"sim-pin.entered", "sim-pin.forgotten"}
        assert "2580" not in str(served.modems.noted)
