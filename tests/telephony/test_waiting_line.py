"""Who rings for whom: whatever is free is there for the caller who came first."""

from __future__ import annotations

import random

import pytest

from gateway.telephony.waiting_line import Wish, shared_out


def wish(rings: str = "", may: str = "", most: int | None = None) -> Wish:
    return Wish(rings=frozenset(rings), may=tuple(may), most=most)


@pytest.mark.parametrize(
    ("wishes", "added"),
    [
        ([wish(may="ab")], ["ab"]),
        ([wish(may="ab", most=1)], ["a"]),
        ([wish(rings="a", may="b", most=2)], ["b"]),
        ([wish(rings="a", may="b", most=1)], [""]),
        ([wish(may="ab"), wish(may="ab")], ["ab", ""]),
        ([wish(may="ab", most=1), wish(may="ab", most=1)], ["a", "b"]),
        ([wish(rings="a"), wish(may="b")], ["", "b"]),
        ([wish(may="a"), wish(rings="a")], ["a", ""]),
        ([wish(may="ab"), wish(rings="ab")], ["a", ""]),
        ([wish(rings="a", may="b"), wish(rings="b")], ["", ""]),
        ([wish(), wish(may="a")], ["", "a"]),
    ],
)
def test_whom_each_caller_is_to_ring(wishes: list[Wish], added: list[str]) -> None:
    assert shared_out(wishes) == [tuple(each) for each in added]


def test_a_phone_rings_for_one_and_the_first_is_never_worse_off(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(300):
        phones = list("abcdef")
        chance.shuffle(phones)
        wishes: list[Wish] = []
        for _caller in range(chance.randint(1, 4)):
            rings, phones = phones[: (count := chance.randint(0, 2))], phones[count:]
            may = [each for each in "abcdef" if each not in rings and chance.random() < 0.5]
            wishes.append(wish("".join(rings), "".join(may), chance.choice([None, 1, 2])))
        added = shared_out(wishes)
        moved = [each for mine in added for each in mine]
        assert len(moved) == len(set(moved)), "nobody is given to two"
        for place, (mine, of) in enumerate(zip(added, wishes, strict=True)):
            assert set(mine) <= set(of.may)
            earlier = {each for others in wishes[:place] for each in others.rings}
            assert not set(mine) & earlier, "nobody is taken from a caller who came before"
        first, later = wishes[0], {each for others in wishes[1:] for each in others.rings}
        if not first.rings and first.may:
            assert added[0], "somebody rings for the first as long as anybody could"
        if first.rings:
            assert not set(added[0]) & later, "whoever is rung for already takes nobody away"
