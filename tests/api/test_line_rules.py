"""The rules of a line by the API, with the shop's own checks."""

from __future__ import annotations

import pytest

from gateway.telephony.shop import LINE_RULES
from tests.api.served import serving
from tests.api.shapes import assert_fits

pytestmark = pytest.mark.real_time


async def test_rules_are_read_and_changed_one_by_one() -> None:
    async with serving() as served:
        await served.set_up()
        status, rules = await served.ask("GET", "/api/v1/lines/red/rules")
        assert (status, tuple(rules)) == (200, LINE_RULES)
        assert_fits(rules, "LineRules")
        status, changed = await served.ask("PATCH", "/api/v1/lines/red/rules", json={"roaming": True, "number": None})
        assert status == 200
        assert changed == {**rules, "roaming": True, "number": None}
        for wrong, expected in (({"sms_per_minute": 0}, 422), ({"roaming": "yes"}, 422), ({"modem": "m7"}, 400)):
            assert (await served.ask("PATCH", "/api/v1/lines/red/rules", json=wrong))[0] == expected, wrong
        assert (await served.ask("GET", "/api/v1/lines/red/rules"))[1] == changed
        assert (await served.ask("GET", "/api/v1/lines/none/rules"))[0] == 404
        assert (await served.ask("PATCH", "/api/v1/lines/none/rules", json={}))[0] == 404
