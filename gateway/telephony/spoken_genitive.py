"""Russian numbers in the genitive, as after "from", "until" and "about": `до двадцати одного`, `около ста`."""

from __future__ import annotations

LARGEST_GENITIVE = 999_999


def genitive(value: int, *, feminine: bool = False) -> str:
    """A whole number from 0 on; `feminine` is the noun that is counted: `двадцати одной`. Raises ValueError."""
    if not 0 <= value <= LARGEST_GENITIVE:
        raise ValueError(f"{value} is not said in the genitive.")
    if value == 0:
        return _ONES[0]
    thousands, rest = divmod(value, 1000)
    words: list[str] = []
    if thousands == 1:
        words.append("тысячи")
    elif thousands:
        words += [*_below_thousand(thousands, feminine=True), "тысячи" if is_one(thousands) else "тысяч"]
    return " ".join([*words, *_below_thousand(rest, feminine=feminine)])


def is_one(value: int) -> bool:
    """Whether its noun stands in the singular: after 1, 21 and 101, but not after 11."""
    return value % 10 == 1 and value % 100 != 11


def _below_thousand(value: int, *, feminine: bool) -> list[str]:
    words = [_HUNDREDS[value // 100]] if value >= 100 else []
    rest = value % 100
    if rest >= 20:
        words.append(_TENS[rest // 10])
        rest %= 10
    if rest:
        words.append("одной" if rest == 1 and feminine else _ONES[rest])
    return words


_ONES = (
    "нуля", "одного", "двух", "трёх", "четырёх", "пяти", "шести", "семи", "восьми", "девяти", "десяти", "одиннадцати",
    "двенадцати", "тринадцати", "четырнадцати", "пятнадцати", "шестнадцати", "семнадцати", "восемнадцати",
    "девятнадцати",
)  # fmt: skip
_TENS = (
    "_", "_", "двадцати", "тридцати", "сорока", "пятидесяти", "шестидесяти", "семидесяти", "восьмидесяти", "девяноста",
)  # fmt: skip
_HUNDREDS = (
    "_", "ста", "двухсот", "трёхсот", "четырёхсот", "пятисот", "шестисот", "семисот", "восьмисот", "девятисот",
)  # fmt: skip
