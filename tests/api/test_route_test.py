"""The route test by the API, and as the command line prints it."""

from __future__ import annotations

import asyncio
import re

from gateway.api.asking import ask_for_route
from gateway.messages import step_text, words
from gateway.telephony.route_steps import StepCode
from tests.api.served import serving

ASKED = "/api/v1/route-test?caller=%2B79035550001&called=red&at=2027-01-31T12:00"


async def test_the_steps_are_told_with_their_seconds_and_in_words() -> None:
    async with serving() as served:
        await served.set_up()
        status, answer = await served.ask("GET", ASKED)
        assert (status, answer["local_time"], answer["at"]) == (200, "2027-01-31T12:00", "2027-01-31T09:00:00.000Z")
        told = [(step["code"], step["seconds"]) for step in answer["steps"]]
        assert told[0] == ("comes-by", 0)
        assert ("rings", 0) in told
        assert ("greeting", 8.7) in told
        assert told[-1][0] == "ends"
        greeting = next(step["said"] for step in answer["steps"] if step["code"] == "greeting")
        assert greeting == "The greeting, 1.0 s."
        status, answer = await served.ask("GET", ASKED, headers={"Accept-Language": "ru"})
        assert "Приветствие, 1.0 с." in [step["said"] for step in answer["steps"]]


async def test_a_phone_of_the_shop_may_dial_whatever_it_likes() -> None:
    async with serving() as served:
        await served.set_up()
        _, answer = await served.ask("GET", "/api/v1/route-test?caller=101&called=%2B79035550009")
        assert [step["code"] for step in answer["steps"]][:3] == ["dials", "number-passes", "calls-out"]
        _, answer = await served.ask("GET", "/api/v1/route-test?caller=101&called=%2B19005550000")
        assert answer["steps"][-1]["said"] == "The call ends here. Number not allowed"


async def test_what_cannot_be_asked_is_refused() -> None:
    async with serving() as served:
        await served.set_up()
        for question, status in (
            ("caller=%2B79035550001&called=%2B79161112233", 422),
            ("caller=%2B79035550001", 400),
            ("caller=101&called=red&at=tomorrow", 400),
            (f"caller=101&called={'1' * 65}", 400),
        ):
            assert (await served.ask("GET", f"/api/v1/route-test?{question}"))[0] == status, question


async def test_the_command_line_prints_one_line_per_step() -> None:
    async with serving() as served:
        await served.set_up()
        asked = {"caller": "+79035550001", "called": "red", "at": "2027-01-31T12:00"}
        bind, token = f"127.0.0.1:{served.server.port}", served.token
        text, problem = await asyncio.to_thread(ask_for_route, bind, token, "en_GB.UTF-8", asked)
        assert problem == ""
        assert text is not None
        lines = text.splitlines()
        assert lines[0] == "2027-01-31 12:00 (Europe/Moscow)"
        assert "    8.7 s  The greeting, 1.0 s." in lines
        text, problem = await asyncio.to_thread(ask_for_route, bind, token, "ru_RU", {**asked, "called": "nobody"})
        assert text is None
        assert "nobody" in problem
        for wrong in (None, "a-token-of-another-gateway"):
            text, problem = await asyncio.to_thread(ask_for_route, bind, wrong, "", asked)
            assert text is None
            assert "SIMBRIDGE_TOKEN" in problem
            assert "Access" in problem


def test_every_step_has_a_sentence_and_every_sentence_a_step() -> None:
    assert set(words("en")["route"]) == set(StepCode)
    known = {"cause": "busy", "error": "night-lock", "reason": "kind", "state": "busy"}
    for language in ("en", "ru"):
        for code in StepCode:
            names = re.findall(r"\{(\w+)\}", words(language)["route"][code]["title"])
            values = known | {name: "x" for name in names if not name.endswith("_title")}
            assert "{" not in step_text(code, language, values), code
