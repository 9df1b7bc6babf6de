"""What must hold of the queues beyond the types of their keys."""

from __future__ import annotations

import re

from gateway.store.shop_document.checks import check_bounds, check_phones, may_be_called
from gateway.telephony.branches import Branch
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.queue_rules import NamedQueue, Overflow, QueueRules
from gateway.telephony.queues import PROMPTS_OF
from gateway.telephony.shop import LineSettings, TrunkSettings
from gateway.toml_document import Place, TomlDocument, quoted

LIMITS = {
    "step_seconds": (3, 120),
    "wrap_up_seconds": (0, 1800),
    "announce_seconds": (0, 600),
    "overflow_callers": (0, 100),
    "overflow_seconds": (0, 3600),
}
"""The least and the most of each number."""
MOST_REASONS = 9
"""One key each."""
LONGEST_REASON = 40
LONGEST_TITLE = 60
MOST_QUEUES = 50
_EXTENSION = re.compile(r"[0-9]{1,8}", re.ASCII)


def check_queue(document: TomlDocument, policy: NumberPolicy | None, phones: set[str], taken: set[str]) -> None:
    """Note what is wrong with [queue] and [[queues]].

    `phones` are the extensions of the shop's phones, `taken` all that are no queue's.
    """
    named = document.found(NamedQueue)
    extensions = phones | {queue.extension for _, queue in named if queue.extension}
    for place, rules in document.found(QueueRules):
        _check_reasons(document, place, rules)
        _check_rules(document, place, rules, policy, phones=phones, extensions=extensions)
    if len(named) > MOST_QUEUES:
        document.problem(("queues",), f"More than {MOST_QUEUES} queues are too many.")
    for place, queue in named:
        _check_rules(document, place, queue, policy, phones=phones, extensions=extensions - {queue.extension})
        check_phones(document, (*place, "phones"), queue.phones, phones)
        _check_named(document, place, queue, [each for _, each in named], taken)
    ways: list[tuple[Place, LineSettings | TrunkSettings | Branch]] = [
        *document.found(LineSettings), *document.found(TrunkSettings), *document.found(Branch),
    ]  # fmt: skip
    names = {queue.name for _, queue in named}
    for place, way in ways:
        if way.queue is not None and way.queue not in names:
            document.problem(
                (*place, "queue"), f'"{way.queue}" in {quoted((*place, "queue"))} is not the name of a queue.'
            )


def _check_reasons(document: TomlDocument, place: Place, rules: QueueRules) -> None:
    reasons = rules.pause_reasons
    if len(reasons) > MOST_REASONS or len(set(reasons)) < len(reasons):
        document.problem(
            (*place, "pause_reasons"),
            f"{quoted((*place, 'pause_reasons'))} may hold {MOST_REASONS} reasons, each of them once.",
        )
    if any(not reason.strip() or len(reason) > LONGEST_REASON for reason in reasons):
        document.problem(
            (*place, "pause_reasons"),
            f"A reason in {quoted((*place, 'pause_reasons'))} must have 1 to {LONGEST_REASON} characters.",
        )


def _check_rules(
    document: TomlDocument,
    place: Place,
    rules: QueueRules | NamedQueue,
    policy: NumberPolicy | None,
    *,
    phones: set[str],
    extensions: set[str],
) -> None:
    """`extensions` are those that callers may go on to: of phones, and of other queues."""
    check_bounds(document, place, rules, LIMITS)
    for key in ("overflow_phones", "message_phones"):
        check_phones(document, (*place, key), getattr(rules, key), phones)
    if rules.overflow is Overflow.PHONES and not rules.overflow_phones:
        document.problem(
            (*place, "overflow_phones"),
            f"{quoted((*place, 'overflow_phones'))} must name the phones that ring too.",
        )
    if (
        rules.overflow is Overflow.NUMBER
        and policy is not None
        and rules.overflow_number not in extensions
        and not may_be_called(policy, rules.overflow_number)
    ):
        document.problem(
            (*place, "overflow_number"),
            f"{quoted((*place, 'overflow_number'))} must be a phone's or another queue's extension or a number that"
            f' may be called, not "{rules.overflow_number}".',
        )


def _check_named(
    document: TomlDocument, place: Place, queue: NamedQueue, all_: list[NamedQueue], taken: set[str]
) -> None:
    if not PROMPTS_OF.fullmatch(queue.name):
        document.problem((*place, "name"), f'The name of a queue has up to 20 of a-z, 0-9 and "-", not "{queue.name}".')
    if len(queue.title) > LONGEST_TITLE:
        document.problem((*place, "title"), f"The title of a queue has up to {LONGEST_TITLE} characters.")
    if [each.name for each in all_].count(queue.name) > 1:
        document.problem((*place, "name"), f'There is more than one queue "{queue.name}".')
    if not queue.phones:
        document.problem((*place, "phones"), f'The queue "{queue.name}" has no phones: nobody would be rung.')
    if not queue.extension:
        return
    if not _EXTENSION.fullmatch(queue.extension) or queue.extension == "112":
        document.problem((*place, "extension"), f"{quoted((*place, 'extension'))} must be 1 to 8 digits, and not 112.")
    is_twice = [each.extension for each in all_].count(queue.extension) > 1
    if queue.extension in taken or is_twice:
        document.problem((*place, "extension"), f'The extension "{queue.extension}" is taken already.')
