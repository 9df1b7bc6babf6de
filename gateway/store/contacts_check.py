"""What must hold in [contacts] of a shop, and of the mobiles that its phones name."""

from __future__ import annotations

from gateway.telephony.contacts import ContactRules
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import PhoneSettings
from gateway.toml_document import TomlDocument, quoted

_BOUNDS = {
    "regular_calls": (0, 50),
    "regular_days": (1, 365),
    "manager_seconds": (5, 120),
    "mobile_seconds": (5, 60),
    "colleague_seconds": (5, 120),
}


def check_contacts(document: TomlDocument, policy: NumberPolicy | None) -> None:
    """Note every breach; `policy` is None where the shop's countries are not known."""
    phones = {phone.extension for _, phone in document.found(PhoneSettings)}
    for place, rules in document.found(ContactRules):
        for key, (least, most) in _BOUNDS.items():
            if not least <= getattr(rules, key) <= most:
                problem = f"{quoted((*place, key))} must be from {least} to {most}, not {getattr(rules, key)}."
                document.problem((*place, key), problem)
        for extension in rules.colleagues:
            if extension not in phones:
                problem = f'"{extension}" in {quoted((*place, "colleagues"))} is not the extension of a phone.'
                document.problem((*place, "colleagues"), problem)
    for place, phone in document.found(PhoneSettings):
        if phone.mobile is None or policy is None:
            continue
        verdict = policy.check(phone.mobile)
        if not isinstance(verdict, Dialable) or verdict.emergency:
            problem = f'The mobile "{phone.mobile}" of phone "{phone.extension}" is no number that may be called.'
            document.problem((*place, "mobile"), problem)
