"""Of a storm of news the last word on each state is left, and everything that is no state."""

from __future__ import annotations

import random

from gateway.modem.storm import MANY_LINES, without_the_outdated

STATES = ("RING", "+CREG: 1", "+CREG: 2", "+CSQ: 20,99", "^RSSI: 14", '+QIND: "csq",19,99', "+CEREG: 5")
OTHERS = (
    '+CMTI: "SM",3', "NO CARRIER", "OK", '+QIND: "ccinfo",2,0,3,0,0,"+7916",145', "^CEND:1,0,104,17", "+RXDTMF: 5",
)  # fmt: skip


def test_a_few_lines_are_left_alone() -> None:
    lines = ["RING"] * MANY_LINES
    assert without_the_outdated(lines, ()) == lines


def test_nothing_but_outdated_states_is_left_out(seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(200):
        lines = dice.choices(STATES + OTHERS, k=dice.randrange(MANY_LINES + 1, 300))
        left = list(without_the_outdated(lines, ()))
        assert [each for each in left if each in OTHERS] == [each for each in lines if each in OTHERS]
        rest = iter(lines)
        assert all(each in rest for each in left), "the order is that of the modem"
        for state in ("RING", "+CREG", "+CSQ", "^RSSI", '+QIND: "csq"', "+CEREG"):
            told = [each for each in lines if each.startswith(state)]
            assert [each for each in left if each.startswith(state)] == told[-1:]


def test_an_answer_is_not_outdated_by_news() -> None:
    lines = ["+CSQ: 20,99", *["RING"] * 40, "+CSQ: 21,99", "OK"]
    assert without_the_outdated(lines, ("+CSQ",)) == ["+CSQ: 20,99", "RING", "+CSQ: 21,99", "OK"]
