"""The guard of toll-free numbers by the API: rules, what today has cost, blocks and their lifting (E4, E6)."""

from __future__ import annotations

from dataclasses import asdict, replace

from gateway.telephony.shop import TrunkSettings
from gateway.telephony.toll_free import TollFreeRules, TurnedAway
from tests.api.served import Served, serving
from tests.fakes.toll_free import short_calls

FREE = TrunkSettings(name="free", host="sip.example.net", number="+78001234567")
CALLER = "+79035550001"


def give_number(served: Served) -> None:
    """The shop has a toll-free number."""
    served.shop_file.shop = replace(served.shop_file.shop, trunks=(FREE,))


async def test_rules_are_read_and_changed_under_all_checks() -> None:
    async with serving() as served:
        await served.set_up()
        give_number(served)
        status, answer = await served.ask("GET", "/api/v1/toll-free")
        assert (status, answer["rules"], answer["blocks"]) == (200, asdict(TollFreeRules()), [])
        assert answer["numbers"] == [{"way": "free", "number": "+78001234567", "spent": 0.0, "calls": 0, "at_once": 0}]
        changes = {"per_minute": "3.50", "daily_budget": 500, "when_spent": "forward", "forward_to": "101"}
        status, answer = await served.ask("PATCH", "/api/v1/toll-free", json=changes)
        assert (status, answer["rules"]["daily_budget"]) == (200, 500)
        assert served.shop_file.shop.toll_free.forward_to == "101"
        for wrong in ({"per_minute": "much"}, {"forward_to": "999"}, {"block_hours": 999}, {"when_spent": "sing"}):
            assert (await served.ask("PATCH", "/api/v1/toll-free", json=wrong))[0] == 422, wrong
        assert (await served.ask("PATCH", "/api/v1/toll-free", json={"nonsense": 1}))[0] == 400
        _, answer = await served.ask("PATCH", "/api/v1/toll-free", json={"when_spent": None, "forward_to": ""})
        assert (answer["rules"]["when_spent"], answer["rules"]["forward_to"]) == ("busy", None)


async def test_a_block_is_listed_and_lifted() -> None:
    async with serving() as served:
        await served.set_up()
        give_number(served)
        await short_calls(served.toll_free, "free", CALLER)
        refused = await served.toll_free.admit("c", "free", CALLER, leg_id="c", is_known=False)
        assert refused is TurnedAway.BLOCKED
        _, answer = await served.ask("GET", "/api/v1/toll-free")
        assert [each["caller"] for each in answer["blocks"]] == [CALLER]
        assert answer["numbers"][0]["calls"] == 5
        lift = "/api/v1/toll-free/blocks/%2B79035550001/lift"
        assert (await served.ask("POST", lift))[0] == 204
        assert (await served.ask("GET", "/api/v1/toll-free"))[1]["blocks"] == []
        assert (await served.ask("POST", lift))[0] == 404
        assert await served.toll_free.admit("c", "free", CALLER, leg_id="c", is_known=False) is None
