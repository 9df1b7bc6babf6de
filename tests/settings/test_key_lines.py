"""Where keys stand in a TOML text, however it is laid out."""

from __future__ import annotations

import tomli
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.toml_document import Place, key_lines
from tests.faults import rounds

TEXT = '''# a comment with [brackets] and "quotes
title = "x # not a comment [nor a table]"   # line 2
"quoted key" = 1
'literal key' = 2
dotted.key . "deep" = 3
long = """
[not.a.table]
fake = 1
\\""" still inside """
list = [
  "a",   # ] not the end
  { inline = "}" },
  [1, 2],
]
raw = \'\'\'
[nor.this] = """
\'\'\'
[table]
key = 1
  [table.sub]   # indented
  key = { a = 1, b = [1,
    2] }
[[array]]
key = 1
[[array.inner]]
key = 1
[[array.inner]]
key = 2
[[array]]
key = 3
[array.table]
key = 4
[[array.inner]]
key = 5
'''


def test_lines_of_a_text_full_of_traps() -> None:
    tomli.loads(TEXT)
    lines = key_lines(TEXT)
    expected: dict[Place, int] = {
        ("title",): 2,
        ("quoted key",): 3,
        ("literal key",): 4,
        ("dotted", "key", "deep"): 5,
        ("long",): 6,
        ("list",): 10,
        ("raw",): 15,
        ("table",): 18,
        ("table", "key"): 19,
        ("table", "sub"): 20,
        ("table", "sub", "key"): 21,
        ("array", 0): 23,
        ("array", 0, "key"): 24,
        ("array", 0, "inner", 0): 25,
        ("array", 0, "inner", 1, "key"): 28,
        ("array", 1): 29,
        ("array", 1, "key"): 30,
        ("array", 1, "table", "key"): 32,
        ("array", 1, "inner", 0, "key"): 34,
    }
    for place, line in expected.items():
        assert lines[place] == line, place
    assert ("fake",) not in lines
    assert ("not",) not in lines


_KEYS = some.text("abc-_ é\"'.=[#", min_size=1, max_size=6)
_VALUES = some.recursive(
    some.integers() | some.text("ab\"'\\\n#[]{}= ", max_size=12) | some.booleans(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=rounds(60, 2_000))
@given(some.dictionaries(_KEYS, _VALUES, max_size=4), some.booleans())
def test_every_key_of_any_document_is_found(document: dict[str, object], multiline: bool) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    lines = key_lines(text)
    source = text.split("\n")
    for key in document:
        assert (key,) in lines
        assert 1 <= lines[(key,)] <= len(source)
