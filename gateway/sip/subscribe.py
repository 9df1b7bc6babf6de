"""Subscriptions of phones to lamps: SUBSCRIBE and NOTIFY (RFC 6665), for calls of others and for messages of their own.

Authentication has been done when a request comes here. One NOTIFY of a subscription is under way at a time;
what changes meanwhile goes into the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from gateway.sip.dialog import SERVER_NAME, Dialog, copy_record_route
from gateway.sip.dialog_info import CONTENT_TYPE, dialog_info
from gateway.sip.message import Request, Response
from gateway.sip.message_summary import MessageLamps
from gateway.sip.presence import Presence
from gateway.sip.transaction import ServerTransaction, answer_to, new_tag
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri
from gateway.sip.wire import WayTo, Wire, decline, unsupported_extensions
from gateway.telephony.shop import ShopView

LONGEST_EXPIRES_SECONDS = 600
"""Granted at most: after a crash of ours a phone learns with its next refresh that it must subscribe anew."""
SHORTEST_EXPIRES_SECONDS = 60
MOST_OF_ONE_PHONE = 200
"""Of one extension: three desk phones with an expansion module each."""
MOST_OF_ALL = 2_000


class Topic(Protocol):
    """An event package: what can be subscribed to, and its documents."""

    package: str
    content_type: str

    def subject(self, wanted: str, user: str) -> str:
        """Whose lamp it is: the extension, from what the request names, and who asks."""

    def refusal(self, extension: str, user: str) -> tuple[int, str] | None:
        """Status and reason where there is no such lamp for that user."""

    def document(self, extension: str, entity: str, version: int) -> bytes:
        """The state as it is now; `version` counts the documents of one subscription."""


class CallTopic:
    """Whether an extension is in a call: the package `dialog` (RFC 4235)."""

    package = "dialog"
    content_type = CONTENT_TYPE

    def __init__(self, wire: Wire, shop: ShopView, presence: Presence) -> None:
        self._wire = wire
        self._shop = shop
        self._presence = presence

    def subject(self, wanted: str, user: str) -> str:  # noqa: ARG002  # the seam of every topic
        """As it is named."""
        return wanted

    def refusal(self, extension: str, user: str) -> tuple[int, str] | None:  # noqa: ARG002  # the seam of every topic
        """Phones and couriers have lamps."""
        shop = self._shop()
        return (404, "Not Found") if shop.phone(extension) is None and shop.courier(extension) is None else None

    def document(self, extension: str, entity: str, version: int) -> bytes:
        """The calls as they are now."""
        return dialog_info(entity, version, self._presence.calls(extension), self._wire.dialogs.shown_names)


class Subscriptions:
    """All subscriptions of all phones."""

    def __init__(self, wire: Wire, shop: ShopView, presence: Presence, messages: MessageLamps) -> None:
        calls = CallTopic(wire, shop, presence)
        self._wire = wire
        self._topics: dict[str, Topic] = {each.package: each for each in (calls, messages.topic)}
        self._running: set[Subscription] = set()
        self._calls = calls
        presence.on_change = self._calls_have_changed
        messages.connect(lambda extension: self._has_changed(messages.topic, extension))

    def __len__(self) -> int:
        return len(self._running)

    def close(self) -> None:
        """Tell every subscriber to come again: the server stops."""
        for subscription in tuple(self._running):
            subscription.end("deactivated")

    def subscribe(self, transaction: ServerTransaction, user: str) -> None:
        """A SUBSCRIBE outside of any dialog, of a phone that has proven to be `user`."""
        request = transaction.request
        tag = new_tag()
        topic = self._topics.get(_package(request))
        extension = "" if topic is None else topic.subject(_extension(request), user)
        refusal = self._refusal(request, user, tag, topic, extension)
        if refusal is not None or topic is None:
            transaction.respond(refusal or decline(request, 489, "Bad Event", tag=tag))
            return
        seconds = _granted(request)
        subscription = Subscription(
            self._wire,
            Dialog.answered(request, tag, transaction.flow),
            user=user,
            extension=extension,
            event=request.headers.get("Event") or topic.package,
            topic=topic,
            on_end=self._running.discard,
        )
        self._running.add(subscription)
        subscription.accept(transaction, seconds)

    def _refusal(self, request: Request, user: str, tag: str, topic: Topic | None, extension: str) -> Response | None:
        if topic is None:
            unknown = unsupported_extensions(request)
            if unknown is None:
                unknown = decline(request, 489, "Bad Event", tag=tag)
                unknown.headers.add("Allow-Events", ", ".join(self._topics))
            return unknown
        barred = topic.refusal(extension, user)
        own = sum(each.user == user for each in self._running)
        accepted = {each.partition(";")[0].strip() for each in request.headers.tokens("Accept")}
        reads = {topic.content_type, "*/*", "application/*"}
        faults = (
            (not request.contacts or not isinstance(request.contacts[0].uri, SipUri), 400, "Bad Request", None),
            (barred is not None, *(barred or (404, "Not Found")), None),
            (bool(accepted) and not accepted & reads, 406, "Not Acceptable", ("Accept", topic.content_type)),
            (_is_too_brief(request), 423, "Interval Too Brief", ("Min-Expires", SHORTEST_EXPIRES_SECONDS)),
            (
                own >= MOST_OF_ONE_PHONE or len(self._running) >= MOST_OF_ALL,
                *(480, "Temporarily Unavailable", ("Retry-After", SHORTEST_EXPIRES_SECONDS)),
            ),
        )
        refusal = unsupported_extensions(request)
        for is_so, status, reason, field in faults:
            if is_so and refusal is None:
                refusal = decline(request, status, reason, tag=tag)
                if field is not None:
                    refusal.headers.add(*field)
        return refusal

    def _calls_have_changed(self, extension: str) -> None:
        self._has_changed(self._calls, extension)

    def _has_changed(self, topic: Topic, extension: str) -> set[str]:
        """Tell those who watch that lamp; the hosts they have subscribed from."""
        watching = [each for each in self._running if each.topic is topic and each.extension == extension]
        for subscription in watching:
            subscription.notify()
        return {each.host for each in watching}


class Subscription:
    """One lamp of one phone: a dialog of its own (RFC 6665 section 4.2)."""

    def __init__(
        self,
        wire: Wire,
        dialog: Dialog,
        *,
        user: str,
        extension: str,
        event: str,
        topic: Topic,
        on_end: Callable[[Subscription], None],
    ) -> None:
        self.user = user
        self.extension = extension
        self._wire = wire
        self._dialog = dialog
        self._event = event
        self.topic = topic
        self._on_end = on_end
        self._expires_at = 0.0
        self._expiry: asyncio.TimerHandle | None = None
        self._version = 0
        self._is_under_way = False
        self._has_news = False
        self._has_ended = False
        wire.dialogs.add(dialog, self)

    def accept(self, transaction: ServerTransaction, seconds: int) -> None:
        """200, and the state as it is now; with 0 seconds that is all (RFC 6665 section 4.4.3)."""
        loop = asyncio.get_running_loop()
        request = transaction.request
        response = answer_to(request, 200, "OK", tag=self._dialog.local.tag)
        copy_record_route(request, response)
        response.headers.add("Contact", self._dialog.contact)
        response.headers.add("Expires", seconds)
        response.headers.add("Server", SERVER_NAME)
        transaction.respond(response)
        self._expires_at = loop.time() + seconds
        if self._expiry is not None:
            self._expiry.cancel()
        if seconds == 0:
            self.end("timeout")
            return
        self._expiry = loop.call_at(self._expires_at, self.end, "timeout")
        self.notify()

    def notify(self) -> None:
        """Tell the state as it is now, as soon as the last NOTIFY is answered."""
        self._has_news = True
        if not self._is_under_way and not self._has_ended:
            left = max(1, round(self._expires_at - asyncio.get_running_loop().time()))
            self._send(f"active;expires={left}")

    def end(self, reason: str) -> None:
        """Tell the state for the last time, and forget the subscriber."""
        if not self._has_ended:
            self._forget()
            self._send(f"terminated;reason={reason}")

    @property
    def owner(self) -> str:
        """The extension that has subscribed."""
        return self.user

    @property
    def host(self) -> str:
        """Where the phone is."""
        return self._dialog.flow.remote.host

    def look_round(self, way_to: WayTo) -> None:
        """The next NOTIFY goes the way that there is then."""
        if not self._dialog.flow.is_open:
            self._dialog.flow = way_to(self._dialog.flow, self.user) or self._dialog.flow

    # Requests of the phone within the dialog.

    def receive(self, transaction: ServerTransaction, flow: Flow) -> None:  # noqa: ARG002  # the seam of every dialog
        """A refresh, or the end of the subscription; nothing else belongs here."""
        request = transaction.request
        if not self._dialog.accepts(request):
            transaction.respond(decline(request, 500, "Server Internal Error"))
        elif request.method != "SUBSCRIBE":
            transaction.respond(decline(request, 405, "Method Not Allowed"))
        elif _package(request) != self.topic.package:
            transaction.respond(decline(request, 489, "Bad Event"))
        elif _is_too_brief(request):
            response = decline(request, 423, "Interval Too Brief")
            response.headers.add("Min-Expires", SHORTEST_EXPIRES_SECONDS)
            transaction.respond(response)
        else:
            self._dialog.refresh_target(request)
            self.accept(transaction, _granted(request))

    def receive_ack(self, request: Request, flow: Flow) -> None:
        """There is no INVITE that it could be for."""

    # Inside.

    def _send(self, state: str) -> None:
        self._has_news = False
        self._is_under_way = True
        dialog = self._dialog
        body = self.topic.document(self.extension, self._entity(), self._version)
        self._version += 1
        request = dialog.request("NOTIFY", body, self.topic.content_type)
        request.headers.add("Contact", dialog.contact)
        request.headers.add("Event", self._event)
        request.headers.add("Subscription-State", state)
        self._wire.transactions.ask(request, dialog.next_hop(), self._answered)

    def _entity(self) -> str:
        local = self._dialog.flow.local
        return str(SipUri(local.host, local.port, self.extension))

    def _answered(self, response: Response) -> None:
        if response.status < 200:
            return
        self._is_under_way = False
        if self._has_ended:
            return
        if 300 <= response.status < 500:
            # Nobody is there any more, or the subscriber does not know of it (RFC 6665 section 4.2.2).
            self._forget()
        elif self._has_news:
            self.notify()

    def _forget(self) -> None:
        self._has_ended = True
        if self._expiry is not None:
            self._expiry.cancel()
        self._wire.dialogs.remove(self._dialog)
        self._on_end(self)


def _extension(request: Request) -> str:
    return (request.uri.user or "") if isinstance(request.uri, SipUri) else ""


def _package(request: Request) -> str:
    return (request.headers.get("Event") or "").partition(";")[0].strip().lower()


def _granted(request: Request) -> int:
    return min(LONGEST_EXPIRES_SECONDS if request.expires is None else request.expires, LONGEST_EXPIRES_SECONDS)


def _is_too_brief(request: Request) -> bool:
    """A time so short that refreshes would be all there is (RFC 6665 section 4.2.1.1)."""
    return request.expires is not None and 0 < request.expires < SHORTEST_EXPIRES_SECONDS
