"""The Russian catalogue is complete, compiled, and knows its plurals."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from web.app import create_app

WEB = Path(__file__).parents[2] / "web"
RUSSIAN = WEB / "translations" / "ru" / "LC_MESSAGES"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]


def _catalogue() -> Catalog:
    return read_po(io.BytesIO((RUSSIAN / "messages.po").read_bytes()), locale="ru")


def _key(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, (tuple, list)) else message.id)


def _texts(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (str(message.string),)


def _used() -> set[str]:
    options = {"templates/**.html": {"trimmed": "true"}}
    found = extract_from_dir(str(WEB), METHODS, options)
    return {str(text[0] if isinstance(text, tuple) else text) for _, _, text, _, _ in found}


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    catalogue = {_key(message): message for message in _catalogue() if message.id}
    assert len(catalogue) > 150
    assert catalogue.keys() == _used()
    for message in catalogue.values():
        assert all(_texts(message)), message.id
        assert not message.fuzzy, message.id


def test_placeholders_are_the_same() -> None:
    catalogue = _catalogue()
    problems = {_key(message): list(message.check(catalogue)) for message in catalogue if message.id}
    assert {key: found for key, found in problems.items() if found} == {}


def test_the_compiled_catalogue_is_of_this_text() -> None:
    """Compile with `pybabel compile -d web/translations`."""
    with (RUSSIAN / "messages.mo").open("rb") as file:
        compiled = {_key(message): _texts(message) for message in read_mo(file) if message.id}
    written = {_key(message): _texts(message) for message in _catalogue() if message.id}
    assert compiled == written


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (1, "1 линия требует внимания"), (2, "2 линии требуют внимания"), (5, "5 линий требуют внимания"),
        (11, "11 линий требуют внимания"), (21, "21 линия требует внимания"), (112, "112 линий требуют внимания"),
    ],
)  # fmt: skip
def test_plurals(count: int, sentence: str) -> None:
    app = create_app("http://127.0.0.1:1")
    template = app.jinja_env.from_string('{{ ngettext("%(num)s line needs care", "%(num)s lines need care", count) }}')
    with app.test_request_context(headers={"Cookie": "language=ru"}):
        assert template.render(count=count) == sentence
