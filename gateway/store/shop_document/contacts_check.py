"""What must hold in [contacts] of a shop, and of the mobiles that its phones name."""

from __future__ import annotations

from gateway.store.shop_document.checks import check_bounds, check_phones, may_be_called
from gateway.telephony.contacts import ContactRules
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import PhoneSettings
from gateway.toml_document import TomlDocument

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
        check_bounds(document, place, rules, _BOUNDS)
        check_phones(document, (*place, "colleagues"), rules.colleagues, phones)
    for place, phone in document.found(PhoneSettings):
        if phone.mobile is not None and policy is not None and not may_be_called(policy, phone.mobile):
            problem = f'The mobile "{phone.mobile}" of phone "{phone.extension}" is no number that may be called.'
            document.problem((*place, "mobile"), problem)
