"""The remote phone book in the form of each make: extensions and names, and contacts where the owner wants them."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import escape

from gateway.provisioning.account import Person

_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'


def yealink(people: tuple[Person, ...]) -> str:
    """YealinkIPPhoneDirectory, which the remote phone book takes."""
    return _directory("YealinkIPPhoneDirectory", people)


def snom(people: tuple[Person, ...]) -> str:
    """SnomIPPhoneDirectory, which the phone's browser shows."""
    return _directory("SnomIPPhoneDirectory", people)


def grandstream(people: tuple[Person, ...]) -> str:
    """AddressBook, which the phone looks for under the name phonebook.xml."""
    rows = [
        f"<Contact><id>{number}</id><FirstName>{escape(_name(person))}</FirstName>"
        f'<Phone type="Work"><phonenumber>{escape(person.extension)}</phonenumber>'
        "<accountindex>1</accountindex></Phone></Contact>"
        for number, person in enumerate(people, start=1)
    ]
    return "\n".join([f"{_HEADER}<AddressBook>", *rows, "</AddressBook>\n"])


BOOKS: dict[str, Callable[[tuple[Person, ...]], str]] = {
    "yealink-book.xml": yealink,
    "snom-book.xml": snom,
    "phonebook.xml": grandstream,
}
"""By the name that a phone asks for."""


def _directory(root: str, people: tuple[Person, ...]) -> str:
    rows = [
        f"<DirectoryEntry><Name>{escape(_name(person))}</Name>"
        f"<Telephone>{escape(person.extension)}</Telephone></DirectoryEntry>"
        for person in people
    ]
    return "\n".join([f"{_HEADER}<{root}>", *rows, f"</{root}>\n"])


def _name(person: Person) -> str:
    return person.name or person.extension
