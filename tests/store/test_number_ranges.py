"""The registry of numbers: read as the regulator publishes it, kept in a file of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import RangesInvalid
from gateway.store.number_ranges import load, read_registry, replaced, save
from gateway.telephony.number_place import NumberRange
from gateway.telephony.russian_regions import BY_KEY

REGISTRY = """\
АВС/ DEF;От;До;Емкость;Оператор;Регион;Территория ГАР;ИНН
900;0000000;0061999;62000;ООО "Т2 Мобайл";Краснодарский край;Краснодарский край;7743895280
900;0062000;0062999;1000;ООО "Т2 Мобайл";Краснодарский край;Краснодарский край;7743895280
900;0063000;0063999;1000;ООО "Т2 Мобайл";Ростовская область;Ростовская обл.;7743895280

900;0065000;0065999;1000;"ООО Т2; Мобайл";Российская Федерация;;7743895280
901;0000000;9999999;10000000;ПАО "МТС";г. Москва и Московская область;;7740000076
"""
RANGES = [
    NumberRange(9000000000, 9000062999, BY_KEY["krasnodar"]),
    NumberRange(9000063000, 9000063999, BY_KEY["rostov"]),
    NumberRange(9000065000, 9000065999, None),
    NumberRange(9010000000, 9019999999, BY_KEY["moscow"]),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_file_of_the_regulator_is_read_and_neighbours_are_joined(encoding: str) -> None:
    assert read_registry(REGISTRY.encode(encoding)) == RANGES


def test_what_is_kept_is_read_again_and_a_newer_file_replaces_its_codes(tmp_path: Path) -> None:
    path = tmp_path / "ranges.csv"
    assert load(path) == []
    save(path, RANGES)
    assert load(path) == RANGES
    newer = [NumberRange(9000000000, 9009999999, BY_KEY["omsk"])]
    save(path, replaced(load(path), newer))
    assert load(path) == [*newer, RANGES[3]]
    path.write_text("something else\n", encoding="ascii")
    with pytest.raises(RangesInvalid, match="not ours"):
        load(path)


HEADING = "АВС/ DEF;От;До;Емкость;Оператор;Регион\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("hello", "must name the columns"),
        ("АВС/ DEF;От;Регион\n900;1;Омск\n", "must name the columns"),
        (HEADING, "has no ranges"),
        (HEADING + "900;0000000;0000009;10;x;Омская область\n900;x;1;1;x;y\n900;2\n", "no ranges of numbers: 3, 4"),
        (HEADING + "900;0000009;0000000;10;x;Омская область\n", "no ranges of numbers: 2"),
        (HEADING + "90;0000000;0000009;10;x;Омская область\n", "no ranges of numbers: 2"),
        (HEADING + "900;0;9;10;x;Омская область\n900;5;20;10;x;Омская область\n", "overlap"),
    ],
)
def test_what_cannot_be_taken_is_told(text: str, said: str) -> None:
    with pytest.raises(RangesInvalid, match=said):
        read_registry(text.encode())
