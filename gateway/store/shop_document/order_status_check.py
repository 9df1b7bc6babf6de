"""What must hold of order status beyond the types of its keys: the words, the source, its headers and the numbers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from gateway.telephony.number_kind import NumberKind, kind_of_number
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.order_status import PATHS, OrderHeader, OrderSource, OrderStatusRules
from gateway.telephony.shop import CourierSettings, LineSettings, PhoneSettings, TrunkSettings
from gateway.telephony.stage_words import StageWord, plain_word
from gateway.toml_document import Place, TomlDocument, quoted, wrong_word

MOST_WORDS = 200
MOST_HEADERS = 10
MOST_TRIES = 10
LONGEST_URL = 500
LONGEST_WORD = 40
LONGEST_SECRET = 2000
_EXTENSION = re.compile(r"([0-9]{1,8})?", re.ASCII)
_PATH = re.compile(r"[^.\s]{1,60}(\.[^.\s]{1,60}){0,9}")
_NETLOC = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?", re.ASCII)
"""Nothing that two readers of addresses could understand in two ways."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_OUR_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "upgrade", "te", "trailer"})
"""These belong to the connection and not to the question (RFC 9110 section 7.6.1)."""


def check_order_status(document: TomlDocument, policy: NumberPolicy | None) -> None:
    """Note everything that is wrong with [order_status], [order_source], [[order_headers]] and [[order_words]]."""
    _check_words(document)
    for place, source in document.found(OrderSource):
        _check_source(document, place, source)
    _check_headers(document)
    for place, rules in document.found(OrderStatusRules):
        _check_rules(document, place, rules, policy)


def _check_words(document: TomlDocument) -> None:
    found = document.found(StageWord)
    if len(found) > MOST_WORDS:
        document.problem(found[0][0], f"More than {MOST_WORDS} words for stages are too many.")
    before: set[str] = set()
    for place, each in found:
        if not each.word.strip() or len(each.word) > LONGEST_WORD:
            document.problem((*place, "word"), f"{quoted((*place, 'word'))} must have 1 to {LONGEST_WORD} characters.")
        elif plain_word(each.word) in before:
            document.problem((*place, "word"), f'The word "{each.word}" stands twice in [[order_words]].')
        before.add(plain_word(each.word))


def _check_source(document: TomlDocument, place: Place, source: OrderSource) -> None:
    for name in PATHS:
        path = getattr(source, name)
        if path and not _PATH.fullmatch(path):
            document.problem((*place, name), f'{quoted((*place, name))} must be a path like "order.status".')
    if source.url and not source.stage:
        document.problem((*place, "stage"), f"{quoted((*place, 'stage'))} must say where the status stands.")
    wrong = _wrong_with(source) if source.url else None
    if wrong is not None:
        document.problem((*place, "url"), f"{quoted((*place, 'url'))} {wrong}")


def _wrong_with(source: OrderSource) -> str | None:
    """What is wrong with an address, as the rest of a sentence."""
    if len(source.url) > LONGEST_URL or any(ord(character) <= 32 for character in source.url):
        return "is too long, or holds characters that no address has."
    try:
        parts = urlsplit(source.url.replace("{number}", "0"))
        _ = parts.port
    except ValueError:
        return "is no address."
    if parts.scheme not in ("https", "http") or not _NETLOC.fullmatch(parts.netloc):
        return 'must be like "https://shop.example/api/orders/{number}", and keep keys in headers.'
    if parts.scheme == "http" and not source.private:
        return "must begin with https://; http:// is for a program in a private network alone."
    behind_the_host = source.url.split("//", 1)[1].partition("/")[2]
    if source.url.count("{number}") != behind_the_host.count("{number}") or "{number}" not in behind_the_host:
        return 'must have "{number}" behind the host, in the place of the digits that the caller presses.'
    return None


def _check_headers(document: TomlDocument) -> None:
    names: set[str] = set()
    found = document.found(OrderHeader)
    if len(found) > MOST_HEADERS:
        document.problem(found[0][0], f"More than {MOST_HEADERS} headers are too many.")
    for place, header in found:
        name = header.name.casefold()
        if not _HEADER.fullmatch(header.name) or name in _OUR_HEADERS:
            document.problem((*place, "name"), f"{quoted((*place, 'name'))} must be the name of a header.")
        elif name in names:
            document.problem((*place, "name"), f'The header "{header.name}" stands twice.')
        names.add(name)
        secret = header.secret or ""
        if len(secret) > LONGEST_SECRET or not secret.isascii():
            document.problem(
                (*place, "secret"), f"{quoted((*place, 'secret'))} must be ASCII, {LONGEST_SECRET} characters at most."
            )


def _check_rules(document: TomlDocument, place: Place, rules: OrderStatusRules, policy: NumberPolicy | None) -> None:
    if not 1 <= rules.tries <= MOST_TRIES:
        document.problem((*place, "tries"), f"{quoted((*place, 'tries'))} must be from 1 to {MOST_TRIES}.")
    people = {phone.extension for _, phone in document.found(PhoneSettings)}
    people |= {courier.extension for _, courier in document.found(CourierSettings)}
    if not _EXTENSION.fullmatch(rules.extension) or rules.extension in people:
        document.problem(
            (*place, "extension"),
            f"{quoted((*place, 'extension'))} must be 1 to 8 digits that are no phone's and no courier's.",
        )
    numbers = {line.name: line.number for _, line in document.found(LineSettings)}
    numbers |= {trunk.name: trunk.number for _, trunk in document.found(TrunkSettings)}
    for way in rules.ways:
        if way not in numbers:
            document.problem((*place, "ways"), wrong_word((*place, "ways"), way, tuple(sorted(numbers))))
        elif (
            kind_of_number(policy.normalise(numbers[way] or "") if policy is not None else None) is NumberKind.TOLL_FREE
        ):
            document.problem(
                (*place, "ways"), f'"{way}" in {quoted((*place, "ways"))} is toll-free: only a person answers there.'
            )
