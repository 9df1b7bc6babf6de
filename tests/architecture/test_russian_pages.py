"""The pages of docs/ that are there in both languages say the same: chapters, commands, settings and names.

The words are a person's work; what can be counted is counted here, chapter by chapter, so that no setting is told in
one language alone.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_PAGES = sorted(page.name.removesuffix(".ru.md") for page in _DOCS.glob("*.ru.md"))
_HEADING = re.compile(r"^(#{2,3}) ", re.MULTILINE)
_SETTING = re.compile(r"""^(?:# )?(?:\[+[a-z_.]+\]+|[a-z_, ]+ = (?:"[^"\n]*"|\[[^\n]*?\]|[\w.]+))""", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_an_owner_who_reads_russian_finds_what_to_buy_how_to_install_it_and_how_to_use_it() -> None:
    assert {"install", "guide", "hardware"} <= set(_PAGES)


@pytest.mark.parametrize("page", _PAGES)
def test_both_languages_have_the_same_chapters_with_the_same_names_in_them(page: str) -> None:
    source = next(place / f"{page}.md" for place in (_DOCS, _DOCS.parent) if (place / f"{page}.md").exists())
    english, russian = (_chapters(path.read_text(encoding="utf-8")) for path in (source, _DOCS / f"{page}.ru.md"))
    assert [chapter.split()[0] for chapter in english] == [chapter.split()[0] for chapter in russian]
    for one, other in zip(english, russian, strict=True):
        assert _told(one) == _told(other), one.partition("\n")[0]


def _chapters(page: str) -> list[str]:
    """The texts between headings, each with its heading; what was tried is told in short in Russian, so left out."""
    begins = [found.start() for found in _HEADING.finditer(page)]
    chapters = [page[begin:end] for begin, end in pairwise([0, *begins, len(page)])]
    return [chapter for chapter in chapters if not re.match("## (What was tried|Что проверено)", chapter)]


def _told(chapter: str) -> dict[str, object]:
    """What of a chapter is the same in every language: commands, settings, names as they are typed, rows of tables."""
    flowing = " ".join(_BLOCK.sub("", chapter).split())
    names = Counter(name for name in re.findall(r"`([^`]+)`", flowing) if not re.search("[а-я]", name))
    blocks = [_typed(*block) for block in _BLOCK.findall(chapter)]
    rows = [line.count("|") for line in chapter.splitlines() if line.startswith("|")]
    return {"names": names, "blocks": blocks, "rows": rows}


def _typed(language: str, block: str) -> object:
    """A block without its remarks, but with the settings that are switched off and those that a remark names."""
    if language != "toml":
        return [line.partition("   #")[0] for line in block.splitlines()]
    settings = _SETTING.findall(block)
    return settings, sorted(re.findall(r"[a-z]+_[a-z_]+", block))
