"""Wrong passwords by the API: bans and their end, on record; closed phones; failed sign-ins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from gateway.errors import StoreError
from tests.api.served import serving


async def test_a_ban_is_listed_and_lifted_on_record() -> None:
    async with serving() as served:
        await served.set_up()
        served.door.bound["10.0.0.5"] = ("101",)
        served.door.fails("10.0.0.5", "101")
        served.door.fails("fd00::7", "x" * 300, times=1)
        status, answer = await served.ask("GET", "/api/v1/security")
        assert status == 200
        banned, heard = answer["hosts"]
        assert (banned["host"], banned["failures"], banned["bans"], banned["phones"]) == ("10.0.0.5", 5, 1, ["101"])
        until, since = (datetime.fromisoformat(banned[name]) for name in ("banned_until", "banned_at"))
        assert until - since == timedelta(seconds=60)
        assert abs(since - datetime.now(UTC)) < timedelta(seconds=5)
        assert (heard["host"], heard["accounts"], heard["banned_until"]) == ("fd00::7", ["x" * 40], None)
        assert answer["phones"] == [{"extension": "101", "failures": 5, "closed_until": None}]
        assert (await served.ask("DELETE", "/api/v1/security/bans/10.0.0.5"))[0] == 204
        assert served.door.noted == [("anna", "sip-ban.lifted", "10.0.0.5")]
        assert (await served.ask("GET", "/api/v1/security"))[1]["hosts"][0]["banned_until"] is None
        for host in ("10.0.0.5", "fd00::7", "10.9.9.9"):
            assert (await served.ask("DELETE", f"/api/v1/security/bans/{host}"))[0] == 404
        assert len(served.door.noted) == 1


async def test_nothing_is_lifted_that_cannot_be_put_on_record() -> None:
    async with serving() as served:
        await served.set_up()
        served.door.fails("10.0.0.5", "101")
        served.door.breaks = StoreError("The disk is full.")
        assert (await served.ask("DELETE", "/api/v1/security/bans/10.0.0.5"))[0] == 503
        assert served.door.guard.is_banned("10.0.0.5")


async def test_a_closed_phone_is_opened() -> None:
    async with serving() as served:
        await served.set_up()
        for number in range(20):
            served.door.fails(f"10.0.1.{number}", "101", times=1)
        _, answer = await served.ask("GET", "/api/v1/security")
        assert answer["phones"][0]["closed_until"] is not None
        assert (await served.ask("POST", "/api/v1/security/phones/101/open"))[0] == 204
        assert (await served.ask("GET", "/api/v1/security"))[1]["phones"] == []
        for extension in ("101", "999"):
            assert (await served.ask("POST", f"/api/v1/security/phones/{extension}/open"))[0] == 404
        assert served.door.noted == [("anna", "sip-phone.opened", "101")]


async def test_failed_sign_ins_are_listed_until_a_good_one() -> None:
    async with serving() as served:
        await served.set_up()
        wrong = partial(
            served.ask, "POST", "/api/v1/sessions", json={"name": "anna", "password": "no"},
            headers={"X-Forwarded-For": "192.168.1.50"},
        )  # fmt: skip
        for _ in range(4):
            assert (await wrong())[0] == 403
        _, answer = await served.ask("GET", "/api/v1/security")
        (failed,) = answer["sign_ins"]
        assert (failed["address"], failed["tries"], failed["locked_until"]) == ("192.168.1.50", 4, None)
        await wrong()
        assert (await wrong())[0] == 429
        (failed,) = (await served.ask("GET", "/api/v1/security"))[1]["sign_ins"]
        assert failed["tries"] == 5
        assert failed["locked_until"] > failed["last_at"]
