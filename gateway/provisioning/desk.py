"""Who may fetch which file of a phone.

A file that sets up a phone holds its password: it is given for one hour, after the owner has asked for it, to
whoever knows a word that nobody guesses. The phone book holds no secret, and is given to every phone that was
set up, for as long as its password stays the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway.provisioning import grandstream, linphone, snom, yealink
from gateway.provisioning.account import Account, Person, people_of
from gateway.provisioning.phone_book import BOOKS
from gateway.telephony.shop import PhoneSettings, Shop, ShopView

OPEN_SECONDS = 3_600.0
MOST_OPEN = 200
MOST_CONTACTS = 1_000
"""In a phone book: what the smallest of these phones can hold."""

_MAC = "(?P<mac>[0-9a-f]{12})"
_MAKES: tuple[tuple[str, re.Pattern[str], Callable[[Account], str], str], ...] = (
    ("yealink", re.compile(rf"{_MAC}\.cfg"), yealink.config, "text/plain"),
    ("grandstream", re.compile(rf"cfg{_MAC}\.xml"), grandstream.config, "application/xml"),
    ("snom", re.compile(rf"(?:snom[a-z0-9]{{1,8}}-)?{_MAC}\.(?:xml|htm)"), snom.config, "application/xml"),
    ("linphone", re.compile(r"linphone\.xml"), linphone.config, "application/xml"),
)
_NAMES = {"yealink": "{mac}.cfg", "grandstream": "cfg{mac}.xml", "snom": "{mac}.xml", "linphone": "linphone.xml"}
_BASE = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?/[A-Za-z0-9/_-]{0,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the owner is told once. `files` are the names by make; `{mac}` stands for the phone's own."""

    token: str
    seconds: float
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as the phone gets it."""

    extension: str
    text: str
    media_type: str
    is_secret: bool


class ProvisioningDesk:
    """Gives out the files. Opened windows are kept in memory alone: a restart closes them."""

    def __init__(
        self,
        shop: ShopView,
        addresses: Callable[[], Sequence[tuple[str, int]]],
        now: Callable[[], float],
        contacts: Callable[[], Sequence[tuple[str, str]]] = lambda: (),
    ) -> None:
        """`addresses` are where SIP listens, `now` gives seconds of a clock that does not jump.

        `contacts` are names and numbers outside, for phone books that shall hold them.
        """
        self._shop = shop
        self._addresses = addresses
        self._now = now
        self._contacts = contacts
        self._open: dict[str, tuple[str, float]] = {}
        """By the word's hash: the extension, and until when."""

    def open(self, extension: str) -> Opened | None:
        """Let the files of a phone be fetched from now on, by a new word alone; None: there is no such phone."""
        phone = self._shop().phone(extension)
        if phone is None:
            return None
        self.close(extension)
        self._forget_old()
        token = secrets.token_urlsafe(24)
        self._open[_hashed(token)] = (extension, self._now() + OPEN_SECONDS)
        files = {make: name.replace("{mac}", phone.mac or "{mac}") for make, name in _NAMES.items()}
        return Opened(token=token, seconds=OPEN_SECONDS, files=files)

    def close(self, extension: str) -> bool:
        """Let them be fetched no more; False when they could not be."""
        keys = [key for key, (owner, _) in self._open.items() if owner == extension]
        for key in keys:
            del self._open[key]
        return bool(keys)

    def fetch(self, token: str, name: str, base: str) -> Document | None:
        """The file of that name; None: there is none, or not for this word.

        `base` is the URL that the phone knows as the place of its files, without the word. Raises ValueError
        for one that could not be written into a file.
        """
        place = _checked(base)
        name = name.lower()
        if name in BOOKS:
            return self._book(token, name)
        extension, until = self._open.get(_hashed(token), ("", 0.0))
        shop = self._shop()
        phone = shop.phone(extension)
        if phone is None or until <= self._now():
            return None
        for _, pattern, write, media_type in _MAKES:
            match = pattern.fullmatch(name)
            mac = None if match is None else match.groupdict().get("mac")
            if match is not None and (mac is None or phone.mac in (None, mac)):
                text = write(self._account(shop, phone, place))
                return Document(extension=extension, text=text, media_type=media_type, is_secret=True)
        return None

    def _book(self, token: str, name: str) -> Document | None:
        shop = self._shop()
        for phone in shop.phones:
            if hmac.compare_digest(_book_word(phone).encode(), token.encode()):
                text = BOOKS[name]((*people_of(shop), *self._outside(shop)))
                return Document(extension=phone.extension, text=text, media_type="application/xml", is_secret=False)
        return None

    def _outside(self, shop: Shop) -> list[Person]:
        """The contacts, where the owner wants them in phone books."""
        known = self._contacts()[:MOST_CONTACTS] if shop.contacts.phone_book else ()
        return [Person(extension=number, name=called, can_be_picked_up=False) for called, number in known]

    def _account(self, shop: Shop, phone: PhoneSettings, place: str) -> Account:
        host, port = self._server(urlsplit(place).hostname or "")
        return Account(
            extension=phone.extension,
            name=phone.name,
            password=phone.password,
            host=f"[{host}]" if ":" in host else host,
            port=port,
            language=shop.language,
            srtp=phone.srtp,
            pick_up_code=shop.codes.pick_up_at or "",
            people=people_of(shop, besides=phone.extension),
            book=f"{place}{_book_word(phone)}/",
        )

    def _server(self, asked: str) -> tuple[str, int]:
        """Where SIP listens for this phone: the address it has found us by, or else one that others can reach."""
        addresses = list(self._addresses())
        same = [each for each in addresses if each[0] == asked]
        outside = [each for each in addresses if not each[0].startswith("127.") and each[0] != "::1"]
        return (same or outside or addresses or [(asked, 5060)])[0]

    def _forget_old(self) -> None:
        now = self._now()
        self._open = {key: entry for key, entry in self._open.items() if entry[1] > now}
        while len(self._open) >= MOST_OPEN:
            del self._open[next(iter(self._open))]


def _checked(base: str) -> str:
    place = base if base.endswith("/") else f"{base}/"
    if not _BASE.fullmatch(place):
        raise ValueError("That is no place that a phone could know.")
    return place


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _book_word(phone: PhoneSettings) -> str:
    """Changes with the phone's password, tells nothing of it, and opens nothing but the phone book."""
    made = hmac.digest(phone.password.encode(), f"phone book of {phone.extension}".encode(), "sha256")
    return base64.urlsafe_b64encode(made[:24]).decode()
