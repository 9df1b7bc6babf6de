"""The ranges of Russian numbers: read from the regulator's CSV files, kept as a small file of our own.

The files are those of opendata.digital.gov.ru ("Выписка из реестра российской системы и плана нумерации"): ABC-3xx,
ABC-4xx, ABC-8xx and DEF-9xx, with the columns АВС/ DEF, От, До, Емкость, Оператор, Регион and others, in UTF-8 or
windows-1251.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from gateway.errors import RangesInvalid
from gateway.telephony.number_place import NumberRange
from gateway.telephony.russian_regions import BY_KEY, region_named

LARGEST_BYTES = 64 * 1024 * 1024
_FIRST, _LAST, _CODE, _REGION = "от", "до", "def", "регион"
_MOST_ERRORS = 5


def read_registry(content: bytes) -> list[NumberRange]:
    """The ranges of a file of the regulator, in order; neighbours of one region are one range.

    Raises RangesInvalid with a sentence (`values["problem"]`) that names the first wrong lines.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", errors="replace")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    try:
        heading = [title.strip().casefold() for title in next(rows)]
        code, first, last, region = _columns(heading)
        found: list[NumberRange] = []
        wrong: list[int] = []
        for row in rows:
            if not any(row):
                continue
            each = _range(row, code, first, last, region)
            if each is not None:
                found.append(each)
            elif len(wrong) < _MOST_ERRORS:
                wrong.append(rows.line_num)
    except StopIteration:
        raise _invalid("The file is empty.") from None
    except csv.Error as error:
        raise _invalid(f"The file is not CSV: {error}.") from error
    if wrong:
        raise _invalid(f"These lines are no ranges of numbers: {', '.join(map(str, wrong))}.")
    if not found:
        raise _invalid("The file has no ranges.")
    return _joined(found)


def replaced(kept: Iterable[NumberRange], new: list[NumberRange]) -> list[NumberRange]:
    """What was kept, without the codes that the new file has something of, and the new file."""
    codes = {each.first // 10**7 for each in new}
    return sorted([*(each for each in kept if each.first // 10**7 not in codes), *new], key=lambda each: each.first)


def save(path: Path, ranges: Iterable[NumberRange]) -> None:
    """Keep the ranges, all or nothing. Raises OSError."""
    text = "".join(f"{each.first};{each.last};{each.region.key if each.region else ''}\n" for each in ranges)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="ascii")
    new.replace(path)


def load(path: Path) -> list[NumberRange]:
    """The ranges that are kept; none where there is no file. Raises RangesInvalid for a file that is not ours."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        rows = (line.split(";") for line in lines)
        return [NumberRange(int(first), int(last), BY_KEY.get(key)) for first, last, key in rows]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise _invalid(f"The file {path} is not ours: import the registry again.") from error


def _columns(heading: list[str]) -> tuple[int, int, int, int]:
    code = next((place for place, title in enumerate(heading) if title.endswith(_CODE)), None)
    region = next((place for place, title in enumerate(heading) if title.startswith(_REGION)), None)
    if code is None or region is None or _FIRST not in heading or _LAST not in heading:
        raise _invalid('The first line must name the columns: "АВС/ DEF", "От", "До" and "Регион".')
    return code, heading.index(_FIRST), heading.index(_LAST), region


def _range(row: list[str], code: int, first: int, last: int, region: int) -> NumberRange | None:
    try:
        texts = [row[place].strip() for place in (code, first, last)]
        if not (len(texts[0]) == 3 and all(text.isdecimal() and len(text) <= 7 for text in texts)):
            return None
        begin, end = (int(texts[0]) * 10**7 + int(text) for text in texts[1:])
        return NumberRange(begin, end, region_named(row[region])) if begin <= end else None
    except IndexError:
        return None


def _joined(ranges: list[NumberRange]) -> list[NumberRange]:
    joined: list[NumberRange] = []
    for each in sorted(ranges, key=lambda found: (found.first, found.last)):
        former = joined[-1] if joined else None
        if former is not None and each.first <= former.last:
            raise _invalid(f"The ranges from {former.first} and from {each.first} overlap.")
        if former is not None and each.first == former.last + 1 and each.region == former.region:
            joined[-1] = NumberRange(former.first, each.last, former.region)
        else:
            joined.append(each)
    return joined


def _invalid(problem: str) -> RangesInvalid:
    return RangesInvalid(problem, problem=problem)
