"""The truth table of the number that the called party sees."""

from __future__ import annotations

import pytest

from gateway.telephony.presented import Presented, PresentedRoute, ShownBy, presented, presented_routes
from gateway.telephony.shop import CourierSettings, LineSettings, PbxSettings, Shop, TrunkSettings

SHOP = Shop(
    lines=(
        LineSettings(name="red", number="+79160000001"),
        LineSettings(name="blue", number="+79160000002", hide_number=True),
        LineSettings(name="green"),
    ),
    trunks=(
        TrunkSettings(name="city", host="h", number="+74951234567"),
        TrunkSettings(name="hidden", host="h", number="+74951234568", withholds_number=True),
        TrunkSettings(name="plain", host="h"),
    ),
    couriers=(
        CourierSettings(extension="2001", mobile="+79161234567", lines=("blue", "red"), pbx_password="secret"),
        CourierSettings(extension="2002", mobile="+79161234568"),
    ),
    pbx=PbxSettings(host="pbx.example.lan"),
)
TABLE = {
    "city": (ShownBy.TRUNK, "+74951234567", False),
    "hidden": (ShownBy.TRUNK, None, True),
    "plain": (ShownBy.TRUNK, None, False),
    "pbx 2001": (ShownBy.PBX, None, False),
    "red": (ShownBy.SIM, "+79160000001", False),
    "blue": (ShownBy.SIM, None, True),
    "green": (ShownBy.SIM, None, False),
    "gone": (ShownBy.SIM, None, False),
}


@pytest.mark.parametrize("way", TABLE)
def test_what_is_seen(way: str) -> None:
    by, number, withheld = TABLE[way]
    assert presented(SHOP, way) == Presented(way=way, by=by, number=number, is_withheld=withheld)


def test_every_route_is_in_the_table() -> None:
    routes = {(route.caller, route.to_courier): [way.way for way in route.ways] for route in presented_routes(SHOP)}
    outside = ["city", "hidden", "plain", "red", "blue", "green"]
    assert routes == {
        (None, None): outside,
        ("2001", None): ["pbx 2001", *outside],
        ("2002", None): outside,
        (None, "2001"): ["blue", "red"],
        (None, "2002"): ["red", "blue", "green"],
    }
    assert presented_routes(Shop()) == (PresentedRoute(caller=None, to_courier=None, ways=()),)


def test_all_couriers_show_one_number() -> None:
    """B6: ten couriers, one and the same number, and no setting of a courier that could change it."""
    couriers = tuple(CourierSettings(extension=str(2000 + n), mobile=f"+7916123456{n}") for n in range(10))
    shop = Shop(trunks=SHOP.trunks[:1], couriers=couriers)
    first = {route.ways[0].number for route in presented_routes(shop) if route.to_courier is None}
    assert first == {"+74951234567"}
