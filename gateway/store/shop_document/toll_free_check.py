"""What must hold in [toll_free] beyond the types of its keys."""

from __future__ import annotations

import re

from gateway.store.shop_document.checks import check_within
from gateway.telephony.toll_free import TollFreeRules, WhenSpent
from gateway.toml_document import TomlDocument, quoted

_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?", re.ASCII)
_MOST = {
    "daily_budget": 10_000_000,
    "caller_per_hour": 1_000,
    "prefix_per_minute": 10_000,
    "number_per_minute": 10_000,
    "number_at_once": 1_000,
    "short_seconds": 60,
    "short_calls": 100,
    "block_hours": 168,
}


def check_toll_free(document: TomlDocument, extensions: set[str]) -> None:
    """Note everything that is wrong with the rules; `extensions` are those of the shop."""
    for place, rules in document.found(TollFreeRules):
        if not _AMOUNT.fullmatch(rules.per_minute):
            document.problem((*place, "per_minute"), f'{quoted((*place, "per_minute"))} must be an amount like "3.50".')
        for key, most in _MOST.items():
            check_within(document, (*place, key), getattr(rules, key), 0, most)
        if rules.when_spent is WhenSpent.FORWARD and rules.forward_to is None:
            document.problem(
                (*place, "when_spent"), '"when_spent" of [toll_free] is "forward", but "forward_to" is not set.'
            )
        if rules.forward_to is not None and rules.forward_to not in extensions:
            document.problem(
                (*place, "forward_to"), f'"{rules.forward_to}" in {quoted((*place, "forward_to"))} is not an extension.'
            )
