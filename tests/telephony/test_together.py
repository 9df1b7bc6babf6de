"""How many calls between customers and couriers can run at once, against every arrangement tried one by one."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

from gateway.telephony.shop import CourierSettings, TrunkSettings
from gateway.telephony.together import Together, together


def courier(number: int, *lines: str, on_shift: bool = True) -> CourierSettings:
    return CourierSettings(extension=f"200{number}", mobile=f"+7916123456{number}", lines=lines, on_shift=on_shift)


PROVIDER = TrunkSettings(name="provider", host="sip.example.net")
LIMITED = TrunkSettings(name="other", host="sip.example.net", calls_at_once=1)


@pytest.mark.parametrize(
    ("lines", "couriers", "trunks", "expected"),
    [
        ((), (courier(1),), (), Together(by_sim=0, by_provider=0)),
        (("red",), (courier(1),), (), Together(by_sim=0, by_provider=0)),
        (("red",), (courier(1),), (PROVIDER,), Together(by_sim=0, by_provider=1)),
        (("red", "blue"), (courier(1),), (), Together(by_sim=1, by_provider=0)),
        (("red", "blue", "green", "gold"), (courier(1), courier(2), courier(3)), (), Together(by_sim=2, by_provider=0)),
        (("red", "blue", "green", "gold"), (courier(1),), (PROVIDER,), Together(by_sim=1, by_provider=1)),
        (("red", "blue"), (courier(1, "red"), courier(2, "red")), (PROVIDER,), Together(by_sim=1, by_provider=1)),
        (("red", "blue"), (courier(1, "gone"),), (PROVIDER,), Together(by_sim=0, by_provider=0)),
        (("red", "blue"), (courier(1), courier(2)), (LIMITED,), Together(by_sim=1, by_provider=1)),
        (("red", "blue"), (courier(1, on_shift=False),), (PROVIDER,), Together(by_sim=0, by_provider=0)),
    ],
)
def test_how_many(
    lines: tuple[str, ...],
    couriers: tuple[CourierSettings, ...],
    trunks: tuple[TrunkSettings, ...],
    expected: Together,
) -> None:
    assert together(lines, couriers, trunks) == expected


def by_trying(lines: tuple[str, ...], couriers: tuple[CourierSettings, ...]) -> int:
    """The best of all ways to give each courier a line of the allowed ones, and each customer one of the rest."""
    best = 0
    for order in permutations(lines):
        for people in permutations(couriers):
            pairs = 0
            for person, line in zip(people, order, strict=False):
                if person.lines and line not in person.lines:
                    break
                pairs += 1
            best = max(best, min(pairs, len(lines) - pairs), *(min(k, len(lines) - k) for k in range(pairs + 1)))
    return best


def test_against_every_arrangement() -> None:
    names = ("red", "blue", "green", "gold")
    for _ in range(60):
        lines = names[: random.randint(0, 4)]
        couriers = tuple(
            courier(number, *random.sample(names, random.randint(0, 2))) for number in range(random.randint(0, 3))
        )
        assert together(lines, couriers, ()).by_sim == by_trying(lines, couriers)
