"""What must hold of the reception beyond the types of its keys."""

from __future__ import annotations

from gateway.store.shop_document.checks import check_bounds, may_be_called
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.reception import Reception
from gateway.telephony.shop import PhoneSettings
from gateway.toml_document import TomlDocument, quoted

LIMITS = {
    "quiet_rings": (1, 10),
    "greeting_seconds": (1, 18),
    "music_rings": (0, 20),
    "repeat_seconds": (5, 600),
    "patience_minutes": (1, 120),
    "call_back_tries": (1, 10),
    "call_back_gap_minutes": (1, 240),
    "call_back_hours": (1, 168),
    "night_seconds": (5, 120),
}
"""The least and the most of each number."""


def check_reception(document: TomlDocument, policy: NumberPolicy | None) -> None:
    """Note what is wrong with [reception]."""
    for place, rules in document.found(Reception):
        check_bounds(document, place, rules, LIMITS)
        is_phone = any(phone.extension == rules.night_to for _, phone in document.found(PhoneSettings))
        if not rules.night_to or is_phone or policy is None:
            continue
        if not may_be_called(policy, rules.night_to):
            document.problem(
                (*place, "night_to"),
                f"{quoted((*place, 'night_to'))} must be a phone's extension or a number that may be called,"
                f' not "{rules.night_to}".',
            )
