"""What must hold of the queue beyond the types of its keys."""

from __future__ import annotations

from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.queue_rules import Overflow, QueueRules
from gateway.toml_document import TomlDocument, quoted

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


def check_queue(document: TomlDocument, policy: NumberPolicy | None, phones: set[str]) -> None:
    """Note what is wrong with [queue]; `phones` are the extensions of the shop's phones."""
    for place, rules in document.found(QueueRules):
        for key, (least, most) in LIMITS.items():
            value = getattr(rules, key)
            if not least <= value <= most:
                document.problem((*place, key), f"{quoted((*place, key))} must be from {least} to {most}, not {value}.")
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
        for key in ("overflow_phones", "message_phones"):
            for extension in getattr(rules, key):
                if extension not in phones:
                    document.problem(
                        (*place, key), f'"{extension}" in {quoted((*place, key))} is not the extension of a phone.'
                    )
        if rules.overflow is Overflow.PHONES and not rules.overflow_phones:
            document.problem(
                (*place, "overflow_phones"),
                f"{quoted((*place, 'overflow_phones'))} must name the phones that ring too.",
            )
        is_number = rules.overflow is Overflow.NUMBER
        if is_number and policy is not None and not _may_be_called(rules.overflow_number, policy, phones):
            document.problem(
                (*place, "overflow_number"),
                f"{quoted((*place, 'overflow_number'))} must be a phone's extension or a number that may be called,"
                f' not "{rules.overflow_number}".',
            )


def _may_be_called(number: str, policy: NumberPolicy, phones: set[str]) -> bool:
    if number in phones:
        return True
    verdict = policy.check(number)
    return isinstance(verdict, Dialable) and not verdict.emergency
