"""The shop's PBX by the API: set, changed, tried and taken away; its passwords go in only."""

from __future__ import annotations

import json

import pytest

from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.trunk_tried import RIGHT_PASSWORD

pytestmark = pytest.mark.real_time

PATH = "/api/v1/shop/pbx"
TRIAL = "/api/v1/shop/trunk-trial"


async def test_it_comes_changes_is_tried_and_goes() -> None:
    async with serving() as served:
        await served.set_up()
        status, none = await served.ask("GET", PATH)
        assert (status, none["pbx"]) == (200, None)
        assert_fits(none, "ShopPbx")
        assert (await served.ask("DELETE", PATH))[0] == 404
        body = {"host": "pbx.example.lan", "port": 5070, "passwords": {"2001": RIGHT_PASSWORD}}
        status, kept = await served.ask("PUT", PATH, json=body)
        assert (status, kept["pbx"]) == (200, {"host": "pbx.example.lan", "port": 5070, "transport": "udp"})
        assert [each["has_password"] for each in kept["couriers"]] == [True, False]
        assert_fits(kept, "ShopPbx")
        assert RIGHT_PASSWORD not in json.dumps(kept)

        account = {"name": "pbx 2001", "host": "pbx.example.lan:5070", "user": "2001"}
        assert (await served.ask("POST", TRIAL, json=account))[1] == {"state": "ready", "reason": None}
        assert served.provider.asked[-1].password == RIGHT_PASSWORD, "the kept one, where it is kept for"
        for other in ("evil.example:5070", "pbx.example.lan:5071"):
            await served.ask("POST", TRIAL, json={**account, "host": other})
            assert served.provider.asked[-1].password is None, "and nowhere else"

        status, kept = await served.ask("PUT", PATH, json={"transport": "tcp", "passwords": {"2001": None}})
        assert (kept["pbx"]["transport"], [each["has_password"] for each in kept["couriers"]]) == (
            "tcp",
            [False, False],
        )
        assert (await served.ask("DELETE", PATH))[0] == 204
        assert (await served.ask("GET", PATH))[1] == none
        assert served.shop_file.imported_by == ["anna"] * 3


async def test_what_is_no_pbx_is_refused() -> None:
    async with serving() as served:
        await served.set_up()
        before = served.shop_file.shop
        for body, expected in (
            ({}, 422), ({"host": "a b"}, 422), ({"host": "x", "port": "5"}, 422), ({"host": "x", "port": 65536}, 422),
            ({"host": "x", "transport": "pigeon"}, 422), ({"host": "x", "passwords": {"2099": "y"}}, 422),
            ({"host": 5}, 400), ({"host": "x" * 256}, 400), ({"host": "x", "passwords": ["2001"]}, 400),
            ({"host": "x", "passwords": {"2001": 5}}, 400), ({"host": "x", "passwords": {"2001": "y" * 201}}, 400),
            ({"host": "x", "ca_file": "/etc/passwd"}, 400),
        ):  # fmt: skip
            assert (await served.ask("PUT", PATH, json=body))[0] == expected, body
        assert served.shop_file.shop == before
