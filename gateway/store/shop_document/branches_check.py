"""What must hold of the branches beyond the types of their keys; each breach is noted at its line."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import available_timezones

from gateway.store.shop_document.checks import check_phones
from gateway.telephony.branches import FEWEST, Branch, position_of
from gateway.telephony.queues import PROMPTS_OF
from gateway.telephony.russian_regions import BY_KEY
from gateway.toml_document import TomlDocument, quoted

LONGEST_NAME = 100
MOST_BRANCHES = 100


def check_branches(document: TomlDocument, phones: set[str]) -> None:
    """Note what is wrong with [[branches]]; `phones` are the extensions of the shop's phones."""
    found = document.found(Branch)
    if len(found) > MOST_BRANCHES:
        document.problem(("branches",), f"More than {MOST_BRANCHES} branches are too many.")
    names = [branch.name for _, branch in found]
    for place, branch in found:
        if not 1 <= len(branch.name) <= LONGEST_NAME or len(branch.address) > 2 * LONGEST_NAME:
            document.problem(
                (*place, "name"), f"A branch has a name of up to {LONGEST_NAME} characters, not {branch.name!r}."
            )
        if names.count(branch.name) > 1:
            document.problem((*place, "name"), f'There is more than one branch "{branch.name}".')
        if branch.region and branch.region not in BY_KEY:
            near = get_close_matches(branch.region, BY_KEY, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            document.problem(
                (*place, "region"), f'{quoted((*place, "region"))}: there is no region "{branch.region}".{meant}'
            )
        if branch.time_zone and branch.time_zone not in available_timezones():
            document.problem(
                (*place, "time_zone"),
                f'{quoted((*place, "time_zone"))} must be a time zone like "Asia/Sakhalin", not "{branch.time_zone}".',
            )
        _check_place(document, (*place, "place"), branch.place)
        if branch.greeting and not PROMPTS_OF.fullmatch(branch.greeting):
            document.problem(
                (*place, "greeting"),
                f'{quoted((*place, "greeting"))} has up to 20 of a-z, 0-9 and "-", not "{branch.greeting}".',
            )
        check_phones(document, (*place, "phones"), branch.phones, phones)
        if len(found) >= FEWEST and not branch.phones and branch.queue is None:
            document.problem(
                (*place, "phones"), f'The branch "{branch.name}" has no phones: nobody would be rung there.'
            )


def _check_place(document: TomlDocument, place: tuple[str | int, ...], text: str) -> None:
    try:
        if text:
            position_of(text)
    except ValueError:
        document.problem(place, f'{quoted(place)} must be degrees north and east like "46.96, 142.73", not "{text}".')
