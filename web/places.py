"""Where numbers are from, as a person reads it: the region, or the country, and what time it is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import get_locale

from web.formats import zone
from web.gateway_client import Refused
from web.reader import asker, client, language, now, snapshot, time_zone

MOST = 200


def places_of(numbers: Iterable[str | None]) -> dict[str, str]:
    """What is known of those numbers that are of the outside; nothing where the worker is away."""
    wanted = [number for number in dict.fromkeys(numbers) if number and number.startswith("+")][:MOST]
    if not wanted:
        return {}
    try:
        found = client().places(asker(), wanted)
    except Refused as refusal:
        if refusal.status not in (403, 503):
            raise
        return {}
    return {each["number"]: told for each in found["items"] if (told := _told(each))}


def _told(place: dict[str, Any]) -> str:
    name = ""
    if place["region"]:
        name = place["region"]["ru" if language() == "ru" else "en"]
    elif place["country"] and place["country"] != snapshot()["shop"]["country"]:
        locale = get_locale()
        name = locale.territories.get(place["country"], place["country"]) if locale is not None else place["country"]
    if not place["time_zone"]:
        return name
    there = now().astimezone(zone(place["time_zone"]))
    clock = f"{there:%H:%M}" if there.utcoffset() != now().astimezone(time_zone()).utcoffset() else ""
    return ", ".join(part for part in (name, clock) if part)
