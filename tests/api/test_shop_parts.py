"""Lines, phones, couriers and providers by the API, one by one."""

from __future__ import annotations

import pytest

from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time


async def test_parts_come_change_and_go() -> None:
    async with serving() as served:
        await served.set_up()
        path = "/api/v1/shop/parts/couriers"
        before = (await served.ask("GET", path))[1]["items"]
        status, made = await served.ask("PUT", f"{path}/2009", json={"mobile": "89161112233", "pin": "739184"})
        assert (status, made["mobile"], made["pin"]) == (200, "+79161112233", "********")
        assert_fits(made, "ShopPart")
        assert (await served.ask("GET", path))[1]["items"] == [*before, made]
        for wrong, expected in (({"mobile": "12"}, 422), ({"extension": "2010"}, 400), ({"pin_file": "x"}, 400)):
            assert (await served.ask("PUT", f"{path}/2009", json=wrong))[0] == expected, wrong
        assert (await served.ask("DELETE", f"{path}/2009"))[0] == 204
        assert (await served.ask("DELETE", f"{path}/2009"))[0] == 404
        assert (await served.ask("GET", path))[1]["items"] == before
        assert (await served.ask("GET", "/api/v1/shop/parts/secrets"))[0] == 404
        assert (await served.ask("PUT", f"{path}/{'2' * 65}", json={}))[0] == 400
        assert served.shop_file.imported_by[-1] == "anna"


async def test_what_is_so_of_the_whole_shop_is_read_and_changed() -> None:
    async with serving() as served:
        await served.set_up()
        status, general = await served.ask("GET", "/api/v1/shop/general")
        assert status == 200
        assert_fits(general, "ShopGeneral")
        status, changed = await served.ask("PATCH", "/api/v1/shop/general", json={"time_zone": "Asia/Omsk"})
        assert (status, changed) == (200, {**general, "time_zone": "Asia/Omsk"})
        assert (await served.ask("PATCH", "/api/v1/shop/general", json={"time_zone": "Mars/Base"}))[0] == 422
        assert (await served.ask("PATCH", "/api/v1/shop/general", json={"phones": []}))[0] == 400
