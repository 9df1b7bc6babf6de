"""The route test of a shop whose lines, providers and phones are all ready."""

from __future__ import annotations

from functools import partial

from gateway.api.route_test_routes import TryRoute
from gateway.telephony.exchange import Exchange
from gateway.telephony.route_trial import try_route
from gateway.telephony.shop import ShopView
from tests.fakes.exchange import FakeLine, FakePhones, FakePrompt, FakeRecordings, FakeTrunk


def routes_of(shop: ShopView) -> TryRoute:
    """What the daemon would answer."""
    exchange = Exchange(
        shop=shop,
        lines={line.name: FakeLine(line.name) for line in shop().lines},
        trunks={trunk.name: FakeTrunk(trunk.name) for trunk in shop().trunks},
        phones=FakePhones(),
        prompts=FakePrompt,
        recordings=FakeRecordings(),
        publish=lambda _event: None,
    )
    return partial(try_route, exchange)
