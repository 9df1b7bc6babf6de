"""The lamp of messages that wait: the package `message-summary` (RFC 3842).

A phone is told of its own mailbox, and of the shop's where the owner wants that. One that has not subscribed is told
all the same, by a NOTIFY outside of any dialog, as phones have taken it since before the RFC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.events import MailboxChanged, PhoneRegistered, Published, ShopChanged
from gateway.sip.message import Response
from gateway.sip.phone_request import request_to
from gateway.sip.registrar import Binding, Registrar
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire
from gateway.telephony.mailboxes import Counts, Mailboxes, boxes_of, waiting_for
from gateway.telephony.queues import shared_boxes
from gateway.telephony.shop import Shop, ShopView

PACKAGE = "message-summary"
CONTENT_TYPE = "application/simple-message-summary"
PATIENCE_SECONDS = 8.0

TellSubscribers: TypeAlias = Callable[[str], set[str]]
"""Has those who watch the lamp of an extension told how it is; the hosts they have subscribed from."""


def message_summary(account: str, counts: Counts) -> bytes:
    """The document of section 5.2; `account` is the URI of the mailbox."""
    lines = (
        f"Messages-Waiting: {'yes' if counts.unheard else 'no'}",
        f"Message-Account: {account}",
        f"Voice-Message: {counts.unheard}/{counts.heard}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


class MessageTopic:
    """What a phone may subscribe to of messages: its own lamp (see subscribe.Topic)."""

    package = PACKAGE
    content_type = CONTENT_TYPE

    def __init__(self, shop: ShopView, mailboxes: Mailboxes) -> None:
        self.mailboxes = mailboxes
        self._shop = shop

    def subject(self, wanted: str, user: str) -> str:
        """Phones ask for their own number, for the code that plays messages, or for nobody by name."""
        return user if wanted in ("", self._shop().codes.messages) else wanted

    def refusal(self, extension: str, user: str) -> tuple[int, str] | None:
        """Whose messages wait is nobody else's business."""
        return (403, "Forbidden") if extension != user else None

    def document(self, extension: str, entity: str, version: int) -> bytes:  # noqa: ARG002  # the seam of every topic
        """The state as it is now."""
        return message_summary(entity, waiting_for(self._shop(), extension, self.mailboxes))


class MessageLamps:
    """Tells phones when something changes. A subscriber of the bus by `follow`."""

    def __init__(self, wire: Wire, registrar: Registrar, shop: ShopView, mailboxes: Mailboxes) -> None:
        self.topic = MessageTopic(shop, mailboxes)
        self._wire = wire
        self._registrar = registrar
        self._shop = shop
        self._told: dict[str, bytes] = {}
        """What phones that have not subscribed were told last, by their contacts."""
        self._subscribed: TellSubscribers = _nobody_subscribes

    def connect(self, subscribed: TellSubscribers) -> None:
        """Tell those who have subscribed by this."""
        self._subscribed = subscribed

    def follow(self, published: Published) -> None:
        """A subscriber of the bus."""
        shop = self._shop()
        match published.event:
            case MailboxChanged(mailbox=mailbox):
                for phone in shop.phones:
                    if mailbox in boxes_of(shop, phone.extension):
                        self._tell(shop, phone.extension)
            case PhoneRegistered(extension=extension, contact=contact):
                self._told.pop(contact, None)
                self._tell(shop, extension)
            case ShopChanged():
                for phone in shop.phones:
                    self._tell(shop, phone.extension)
            case _:
                pass

    def _tell(self, shop: Shop, extension: str) -> None:
        if not self._has_lamp(shop, extension):
            return
        hosts = self._subscribed(extension)
        for binding in self._registrar.contacts(extension):
            if binding.flow.remote.host not in hosts:
                self._notify(binding, extension)

    def _has_lamp(self, shop: Shop, extension: str) -> bool:
        phone = shop.phone(extension)
        is_lit = waiting_for(shop, extension, self.topic.mailboxes) != Counts()
        return phone is not None and (phone.voicemail or bool(shared_boxes(shop, extension)) or is_lit)

    def _notify(self, binding: Binding, extension: str) -> None:
        local = binding.flow.local
        body = self.topic.document(extension, str(SipUri(local.host, local.port, extension)), 0)
        if self._told.get(binding.contact) == body:
            return
        self._told[binding.contact] = body
        fields = (
            ("Event", PACKAGE),
            ("Subscription-State", "terminated;reason=noresource"),
            ("Content-Type", CONTENT_TYPE),
        )
        request = request_to(binding, "NOTIFY", user=extension, fields=fields, body=body)
        self._wire.transactions.ask(request, binding.flow, _taken, patience_seconds=PATIENCE_SECONDS)


def _nobody_subscribes(_extension: str) -> set[str]:
    return set()


def _taken(_response: Response) -> None:
    """A phone that does not know such messages refuses them, and that is all."""
