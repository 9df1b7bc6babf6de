"""What a modem says of its operator, noise included."""

from __future__ import annotations

from typing import cast

import pytest

from gateway.modem.modem import Modem
from gateway.modem.network import Network


class Learner:
    """As much of a modem as hears of its network."""

    def __init__(self) -> None:
        self.learned: dict[str, object] = {}

    def learn(self, **facts: object) -> None:
        self.learned |= facts


@pytest.mark.parametrize(
    ("line", "learned"),
    [
        ('+COPS: 0,0,"MegaFon",7', {"operator": "MegaFon", "technology": "4G"}),
        ('+COPS: 0,0,"MegaFon"', {"operator": "MegaFon"}),
        ("+COPS: 0", {}),
        ('+COPS: 0,0,"MegaFon",\xb2', {"operator": "MegaFon"}),
        ('+COPS: 0,0,"MegaFon",' + "7" * 5000, {"operator": "MegaFon"}),
    ],
)
def test_what_is_said_of_the_operator(line: str, learned: dict[str, object]) -> None:
    modem = Learner()
    Network(cast("Modem", modem)).take_operator(line)
    assert modem.learned == learned
