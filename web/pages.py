"""The pages of the panel by their names, in every language: for people who know what they want and not where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for
from flask_babel import force_locale

from web.reader import LANGUAGES, may
from web.translation import gettext as _  # as in templates: every second word here is one for people


@dataclass(frozen=True, slots=True)
class Page:
    """`scope` is what a role needs for it; `kind` is of those that are the same for several kinds of parts."""

    endpoint: str
    picture: str
    name: str
    scope: str = "read"
    kind: str | None = None

    @property
    def address(self) -> str:
        """Its path."""
        return url_for(self.endpoint, kind=self.kind) if self.kind is not None else url_for(self.endpoint)


def pages_named(text: str) -> list[Page]:
    """The pages that a person may look at and that have all words of the text in one language's name of them.

    Shown in the reader's language; those whose name begins with the text come first.
    """
    wanted = plain(text).split()
    names: list[set[str]] = [set() for _page in _pages()]
    for language in LANGUAGES:
        with force_locale(language):
            for place, page in enumerate(_pages()):
                names[place].add(plain(page.name))
    found = [
        (not any(name.startswith(plain(text)) for name in known), place)
        for place, known in enumerate(names)
        if any(all(word in name for word in wanted) for name in known)
    ]
    pages = tuple(_pages())
    return [pages[place] for _later, place in sorted(found) if may(pages[place].scope)]


def plain(text: str) -> str:
    """As people mean it, however they write it."""
    return text.strip().casefold().replace("ё", "е")


def _pages() -> Iterator[Page]:
    yield Page("overview.dashboard", "layout-dashboard", _("Dashboard"))
    yield Page("overview.live", "phone-call", _("Live calls"))
    yield Page("history.calls", "history", _("Calls"))
    yield Page("reports.missed", "phone-missed", _("To call back"))
    yield Page("queueing.voicemail", "mic", _("Voicemail"))
    yield Page("texting.messages", "message-square", _("Messages"))
    yield Page("ordering.orders", "file-text", _("Orders"))
    yield Page("contacts.page", "users", _("Contacts"))
    yield Page("blocking.page", "phone-off", _("Blocked numbers"))
    yield Page("overview.couriers", "bike", _("Couriers"))
    yield Page("overview.lines", "card-sim", _("Lines"))
    yield Page("overview.phones", "phone", _("Phones"))
    yield Page("browser_phone.page", "phone-call", _("Phone in this browser"), "calls")
    yield Page("overview.alerts", "triangle-alert", _("Alerts"))
    yield Page("alerting.page", "triangle-alert", _("Where alerts go"), "admin")
    yield Page("reports.statistics", "signal", _("Statistics"))
    yield Page("reception.page", "phone-incoming", _("Reception"))
    yield Page("queueing.page", "clock", _("Queue"))
    yield Page("site.page", "monitor", _("Web site"))
    yield Page("shared.page", "store", _("Gateways"))
    yield Page("shop.page", "store", _("Shop"), "shop")
    yield Page("parties.start", "check", _("First steps"), "shop")
    yield Page("parties.general", "store", _("Name, language and clock"), "shop")
    yield Page("parties.parts", "card-sim", _("Lines of the shop"), "shop", "lines")
    yield Page("parties.parts", "phone", _("Phones of the shop"), "shop", "phones")
    yield Page("parties.parts", "bike", _("Couriers of the shop"), "shop", "couriers")
    yield Page("parties.parts", "radio-tower", _("Providers"), "shop", "trunks")
    yield Page("parties.parts", "users", _("Queues"), "shop", "queues")
    yield Page("parties.parts", "store", _("Branches"), "shop", "branches")
    yield Page("pbx.page", "phone-forwarded", _("Your PBX"), "shop")
    yield Page("hours.form", "clock", _("Hours"), "shop")
    yield Page("routing.page", "search", _("Routes"), "shop")
    yield Page("order_status.page", "file-text", _("Order status by telephone"), "shop")
    yield Page("toll_free.page", "phone-incoming", _("Toll-free numbers"), "shop")
    yield Page("numbering.page", "search", _("Where numbers are from"), "shop")
    yield Page("prompts.page", "volume-2", _("Prompts"), "shop")
    yield Page("erasing.form", "x", _("Erase a number"), "shop")
    yield Page("shop.versions", "history", _("Undo changes of the shop"), "shop")
    yield Page("webhooks.page", "radio-tower", _("Webhooks"), "admin")
    yield Page("access.page", "users", _("People and access"), "admin")
    yield Page("access.everywhere", "user", _("Signed in now, and all tokens"), "admin")
    yield Page("wrong_passwords.page", "lock", _("Wrong passwords"), "admin")
    yield Page("audit.page", "file-text", _("Who did what"), "admin")
    yield Page("system.page", "monitor", _("System"), "admin")
    yield Page("system.log", "file-text", _("Log"), "admin")
    yield Page("system.passphrase", "key-round", _("Passphrase of the backups"), "admin")
    yield Page("restoring.form", "upload", _("Restore a backup"), "admin")
    yield Page("certificate.page", "lock", _("Certificate of the panel"), "admin")
    yield Page("access.account", "user", _("Your account"), "own")
    yield Page("second_step.page", "shield-check", _("Second step at sign-in"), "own")
