"""What must hold in [widget] beyond the types of its keys."""

from __future__ import annotations

import re

from gateway.store.shop_document.checks import check_bounds, check_phones
from gateway.telephony.widget import LONGEST_URL, WidgetRules
from gateway.toml_document import TomlDocument, quoted

LIMITS = {
    "address_per_hour": (1, 100),
    "number_per_day": (1, 10),
    "per_day": (1, 1_000),
    "kept_days": (1, 400),
}
"""The least and the most of each number."""
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?", re.ASCII)
_URL = re.compile(r"https?://[!-~]+", re.ASCII)
_LONGEST = {"title": 100, "consent": 500, "policy_url": LONGEST_URL}
MOST_ORIGINS = 20


def check_widget(document: TomlDocument, extensions: set[str]) -> None:
    """Note everything that is wrong with the rules; `extensions` are those of the phones."""
    for place, rules in document.found(WidgetRules):
        check_bounds(document, place, rules, LIMITS)
        for key, longest in _LONGEST.items():
            if len(getattr(rules, key)) > longest:
                document.problem((*place, key), f"{quoted((*place, key))} must have {longest} characters at most.")
        for origin in rules.origins:
            if not _ORIGIN.fullmatch(origin):
                document.problem(
                    (*place, "origins"),
                    f'"{origin}" in {quoted((*place, "origins"))} must be a site like "https://shop.example".',
                )
        if len(rules.origins) > MOST_ORIGINS:
            document.problem((*place, "origins"), f"{quoted((*place, 'origins'))} holds {MOST_ORIGINS} sites at most.")
        if rules.on and not rules.origins:
            document.problem((*place, "on"), f"{quoted((*place, 'origins'))} must name the site that shows the widget.")
        if rules.policy_url and not _URL.fullmatch(rules.policy_url):
            document.problem(
                (*place, "policy_url"),
                f"{quoted((*place, 'policy_url'))} must be a page like https://shop.example/data.",
            )
        check_phones(document, (*place, "rings"), rules.rings, extensions)
