"""A gateway without any modem gets emulated ones at a word, and loses every trace of them at another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end.house import House, house

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(120)]

CUSTOMER = "+79031112233"


def without_modems(config: str) -> str:
    """As of a machine into which nothing was plugged."""
    config = config.replace("[emulated]\ncontrol = ", "# control = ")
    return config[: config.index("[[modems]]")]


def without_people(shop: str) -> str:
    """Of the shop only its name and its phone."""
    return re.sub(r"\[\[(lines|couriers)\]\].*?(?=\n\[)", "", shop, flags=re.DOTALL)


async def bring_calls(stack: House) -> None:
    """A customer calls a SIM and hangs up, and writes."""
    sim = (await stack.api.get("/snapshot"))["lines"][0]["number"]
    call = (await stack.api.post("/playground", {"do": "call", "number": CUSTOMER, "sim": sim}))["call"]
    await stack.api.until("/snapshot", lambda now: len(now["calls"]) == 1, within=10)
    await stack.api.post("/playground", {"do": "text", "number": CUSTOMER, "sim": sim, "text": "Hello"})
    await stack.api.post("/playground", {"do": "hang-up", "call": call})
    await stack.ended_calls(1)
    await stack.api.until("/messages", lambda page: len(page["items"]) == 1, within=10)


async def test_they_begin_and_leave_nothing_behind(tmp_path: Path) -> None:
    async with house(tmp_path / "site", shop=without_people, config=without_modems) as stack:
        assert await stack.api.get("/emulated-modems") == {"state": "off", "possible": True, "real": 0}
        before = await stack.api.get("/snapshot")
        assert (before["emulated"], before["lines"], before["modems"]) == (False, [], [])

        assert (await stack.api.put("/emulated-modems"))["state"] == "on"
        await stack.api.until(
            "/snapshot", lambda now: [line["state"] for line in now["lines"]] == ["ready"] * 3, within=15
        )
        during = await stack.api.get("/snapshot")
        assert during["emulated"]
        assert {each["name"] for each in during["modems"]} == {"emulated-1", "emulated-2", "emulated-3"}
        assert [each["extension"] for each in during["couriers"]] == ["2001"]
        await bring_calls(stack)

        assert (await stack.api.delete("/emulated-modems"))["state"] == "off"
        after = await stack.api.get("/snapshot")
        assert (after["emulated"], after["lines"], after["modems"], after["couriers"]) == (False, [], [], [])
        assert [each["extension"] for each in after["phones"]] == ["101"]
        assert (await stack.api.get("/calls"))["items"] == []
        assert (await stack.api.get("/messages"))["items"] == []
        assert (await stack.api.get("/alerts"))["items"] == []
        assert not (stack.site.data / "emulated").exists()
