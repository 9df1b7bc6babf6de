"""What a phone is set up with, whatever its make."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.telephony.shop import Shop, Srtp


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who can be reached by an extension: a line of the phone book, and a lamp."""

    extension: str
    name: str
    can_be_picked_up: bool
    """A phone of the shop: a call that rings there can be taken elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One SIP account with its server, as a phone must know it. `base` is where its files lie, with a slash."""

    extension: str
    name: str
    password: str
    host: str
    port: int
    language: str
    srtp: Srtp
    pick_up_code: str
    """Dialled before an extension it takes the call that rings there; empty: there is no such code."""
    people: tuple[Person, ...]
    """Everybody else."""
    book: str
    """The URL below which the phone book lies, with a slash."""

    @property
    def label(self) -> str:
        """What the phone shows of itself."""
        return f"{self.extension} {self.name}".strip()


def people_of(shop: Shop, *, besides: str | None = None) -> tuple[Person, ...]:
    """Phones first, then couriers, in the order of the shop; `besides` is left out."""
    phones = [Person(extension=each.extension, name=each.name, can_be_picked_up=True) for each in shop.phones]
    couriers = [Person(extension=each.extension, name=each.name, can_be_picked_up=False) for each in shop.couriers]
    return tuple(each for each in (*phones, *couriers) if each.extension != besides)
