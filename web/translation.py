"""Sentences of the panel in the reader's language. The English sentence is the key of its translation."""

from __future__ import annotations

import flask_babel


def gettext(text: str, **values: object) -> str:
    """The sentence, with `%(name)s` filled in."""
    return str(flask_babel.gettext(text, **values))
