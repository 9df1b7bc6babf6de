"""Takes out of a text what is secret and what is about people: known words by name, numbers by their look.

Better too much than too little: what looks like a telephone number goes, whatever it was.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any

SECRET_KEYS = frozenset({"password", "pbx_password", "pin", "voicemail_pin", "token", "secret", "key", "passphrase"})
PERSONAL_KEYS = frozenset(
    {"name", "holder", "contract", "user", "mobile", "number", "numbers", "imei", "iccid", "imsi", "mac", "email"}
    | {"forward_always", "forward_busy", "forward_no_answer", "address", "phone"}
)
LEAST_WORD = 3
"""Shorter names stand in too many other words."""
_KEPT_DIGITS = 2

_WORD = re.compile(r"\w+")
_DEVICE = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
"""The address of a network device (IEEE 802)."""
_PIECES = re.compile(
    r"(?P<moment>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?)"
    r"|(?P<address>(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]))"
    r"|(?P<colons>(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:]))"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<bytes>(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}[ :]?){10,}(?![0-9A-Za-z]))"
    r"|(?P<number>\+?\d(?:[ ()\-\u00a0]{0,2}\d){5,})"
)


def personal_words(document: object, key: str = "", table: str = "") -> Iterator[tuple[str, bool]]:
    """Each text of a shop that must not be seen, and whether it is a secret. `document` is as TOML has it.

    The names of lines and modems are labels ("red"), which help and harm nobody; so do names of fields, as where in an
    order its phone stands: phone = "phone".
    """
    if isinstance(document, dict):
        for name, content in document.items():
            yield from personal_words(content, str(name), key or table)
    elif isinstance(document, list):
        for each in document:
            yield from personal_words(each, key, table)
    elif isinstance(document, str) and document:
        if key in SECRET_KEYS:
            yield document, True
        elif key in PERSONAL_KEYS and document != key and not (key == "name" and table in ("lines", "modems")):
            yield document, False


class Masks:
    """Made once of everything that is known; then `masked` for each text."""

    def __init__(self, words: Iterable[tuple[str, bool]], names: Iterable[str] = ()) -> None:
        """`words` as personal_words gives them. A secret is taken out however short it is.

        `names` are those of people, perhaps tens of thousands: looked for as whole words only.
        """
        chosen: dict[str, str] = {}
        for word, is_secret in words:
            plain = word.strip()
            if plain and (is_secret or len(plain) >= LEAST_WORD):
                chosen[plain.casefold()] = "<secret>" if is_secret else "<personal>"
        self._chosen = chosen
        longest_first = sorted(chosen, key=len, reverse=True)
        self._words = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if chosen else None
        self._names: dict[str, frozenset[str]] = {}
        """Each with its words."""
        for name in names:
            plain = name.strip()
            if len(plain) >= LEAST_WORD and (own := _words_of(plain)):
                self._names[plain] = own

    def masked(self, text: str) -> str:
        """The text as anybody may read it."""
        if self._words is not None:
            text = self._words.sub(lambda match: self._chosen.get(match[0].casefold(), "<personal>"), text)
        # Of the names only those that may stand in this text: a pattern of them all would be slow to look for.
        there = _words_of(text)
        names = sorted((name for name, own in self._names.items() if own <= there), key=len, reverse=True)
        if names:
            text = re.sub(
                rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", "<personal>", text, flags=re.IGNORECASE
            )
        return _PIECES.sub(_mask, text)


def _words_of(text: str) -> frozenset[str]:
    return frozenset(each.casefold() for each in _WORD.findall(text))


def _mask(match: re.Match[str]) -> str:
    piece = match[0]
    match match.lastgroup:
        case "moment":
            return piece
        case "address":
            return piece if _is_ours(piece) else "<address>"
        case "colons":
            is_address = _DEVICE.fullmatch(piece) is not None or (_is_address(piece) and not _is_ours(piece))
            return "<address>" if is_address else piece  # a time of day perhaps
        case "mail":
            # sip:101@192.168.1.5 is caught by its address; what has a name after the @ may be a person's.
            return "<address>"
        case "bytes":
            return "<bytes>"
        case _:
            digits = re.sub(r"\D", "", piece)
            return "<number " + "x" * (len(digits) - _KEPT_DIGITS) + digits[-_KEPT_DIGITS:] + ">"


def _is_ours(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_private


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def toml_words(document: dict[str, Any]) -> list[tuple[str, bool]]:
    """`personal_words` of a whole shop.toml."""
    return list(personal_words(document))
