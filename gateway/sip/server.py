"""SipServer: the driver as one object. It listens, lets in, and gives each message to whom it is for."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from ipaddress import ip_address, ip_network
from types import TracebackType
from typing import Self

from gateway.clock import WallClock, utc_now
from gateway.events import Publish
from gateway.settings import SipSettings, TlsFiles
from gateway.sip.account_trial import Tried
from gateway.sip.arrivals import Arrivals
from gateway.sip.authentication import Authentication
from gateway.sip.dialog import ALLOW
from gateway.sip.grammar import MalformedMessage
from gateway.sip.guard import Guard
from gateway.sip.instant_message import InstantMessages
from gateway.sip.listeners import Listeners
from gateway.sip.login_book import LoginBook
from gateway.sip.media_terms import MediaTerms, phone_terms
from gateway.sip.message import Request, Response, parse_message, serialise
from gateway.sip.message_summary import MessageLamps
from gateway.sip.pacer import Pacer
from gateway.sip.phones import SipPhones
from gateway.sip.port_range import PortRange
from gateway.sip.presence import Presence
from gateway.sip.registrar import Registrar
from gateway.sip.resolver import Names, SystemNames
from gateway.sip.sdp import CONTENT_TYPE
from gateway.sip.self_check import SelfCheck
from gateway.sip.speakers import Speakers, Standing
from gateway.sip.stateless_tags import StatelessTags
from gateway.sip.stranger_alerts import StrangerAlerts
from gateway.sip.subscribe import Subscriptions
from gateway.sip.transaction import ServerTransaction
from gateway.sip.transport import Address, Flow, answering_flow
from gateway.sip.tunnel import TRANSPORT, Tunnels
from gateway.sip.upstream import Upstream
from gateway.sip.wire import Wire, decline
from gateway.telephony.ledger import Bindings, Budget
from gateway.telephony.line import Incoming
from gateway.telephony.mailboxes import Mailboxes, NoMailboxes
from gateway.telephony.shop import ShopView, Srtp, TrunkSettings
from gateway.telephony.trace import Traces

log = logging.getLogger(__name__)

_KNOWN_METHODS = frozenset(
    ("ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER")
) | {"SUBSCRIBE", "UPDATE"}


class SipServer:
    """Phones register and call here. `async with` binds and unbinds."""

    def __init__(
        self,
        settings: SipSettings,
        shop: ShopView,
        publish: Publish,
        incoming: Incoming,
        *,
        bindings: Bindings,
        budget: Budget,
        clock: WallClock = utc_now,
        names: Names | None = None,
        tls: TlsFiles | None = None,
        traces: Traces | None = None,
        mailboxes: Mailboxes | None = None,
    ) -> None:
        """`names` looks up providers, by default in the DNS; `tls` is the certificate for a `tls_port`."""
        self._shop = shop
        self._publish = publish
        self._wire = Wire()
        self.traces = traces or Traces(self._now)
        """For the exchange: what the wires have said."""
        self._wire.dialogs.on_leg = self.traces.is_carried_by
        self._pacer = Pacer()
        self._ports = PortRange(*settings.rtp_ports)
        self._allowed = tuple(ip_network(each) for each in settings.allow)
        self._alerts = StrangerAlerts(publish)
        self._guard = Guard(self._now, trusted=self._is_trusted, on_stranger=self._alerts.has_ignored)
        self._registrar = Registrar(bindings, publish, clock)
        self._tag = StatelessTags().of
        self._authentication = Authentication(
            self._guard, self._alerts, shop, now=self._now, is_bound=self._registrar.is_bound, tag=self._tag,
            bound_at=self._registrar.extensions_at,
        )  # fmt: skip
        self.failed_logins = LoginBook(
            self._guard, self._alerts, shop, now=self._now, clock=clock, bound_at=self._registrar.extensions_at
        )
        """For the API: wrong passwords, and who is shut out for them."""
        self._speakers = Speakers(self._registrar.is_bound, self._is_provider)
        self._arrivals = Arrivals(self._wire, shop, incoming, self._tag, pacer=self._pacer, ports=self._ports)
        self._work: set[asyncio.Task[None]] = set()
        self._exit = AsyncExitStack()
        self.phones = SipPhones(self._wire, self._registrar, self._pacer, self._ports, self._terms_of)
        """For the exchange: rings the phones of the shop."""
        self.presence = Presence(shop)
        """For the bus: it follows the events, and lights the lamps of the phones."""
        self.message_lamps = MessageLamps(self._wire, self._registrar, shop, mailboxes or NoMailboxes())
        """For the bus, too: it tells phones of messages that wait."""
        self._subscriptions = Subscriptions(self._wire, shop, self.presence, self.message_lamps)
        self.instant_messages = InstantMessages(self._wire, self._registrar, shop, self._begin)
        """For messaging: gives texts to phones, and takes theirs to numbers outside."""
        self._listeners = Listeners(
            settings,
            tls,
            self.receive,
            self._begin,
            admits=self._guard.admits,
            is_known=self._registrar.knows_source,
            on_lost=self._registrar.has_lost,
            on_sent=lambda data, remote: self.traces.sip(data, str(remote), sent=True),
        )
        self.tunnels = Tunnels(self.receive, self._registrar.has_lost, lambda: self.addresses)
        """For the API: the browsers that are phones."""
        self._upstream = Upstream(
            self._listeners,
            names or SystemNames(),
            self._guard.has_succeeded,
            self._begin,
            shop=shop,
            publish=publish,
            wire=self._wire,
            pacer=self._pacer,
            ports=self._ports,
            budget=budget,
        )
        self._self_check = SelfCheck(
            lambda: self.addresses, self._upstream.seen_at, self._tag, self._alerts, begin=self._begin
        )
        self.trunks = self._upstream.trunks
        """For the exchange: the providers, by name."""
        self.pbx_accounts = self._upstream.pbx_accounts
        """For the exchange: the couriers' accounts at the PBX, by name."""

    @property
    def addresses(self) -> list[Address]:
        """Where we listen."""
        return self._listeners.addresses

    @property
    def tls_addresses(self) -> list[Address]:
        """Where we listen for TLS."""
        return self._listeners.tls_addresses

    async def __aenter__(self) -> Self:
        """Bind and restore the registrations. Raises AddressInUse or SettingsError with a sentence for the owner."""
        async with AsyncExitStack() as stack:
            stack.callback(self._close)
            shop = self._shop()
            wishes = {each.srtp for each in shop.phones} | {each.srtp for each in shop.trunks}
            if wishes - {Srtp.OFF}:
                # The library of sealed media takes a tenth of a second to load, which running calls would hear.
                importlib.import_module("gateway.sip.sealed_packets")
            await self._listeners.open()
            await self._registrar.restore(self._listeners.flow_to)
            self._begin(self._listeners.follow(self._look_round))
            self._begin(self.phones.qualify())
            self._upstream.begin()
            self._exit = stack.pop_all()
        return self

    async def try_account(self, settings: TrunkSettings) -> Tried:
        """What a provider says to account data before they are kept. Raises ValueError for a host that is none."""
        return await self._upstream.try_account(settings)

    async def sign_off(self, *, within: float) -> None:
        """Tell the providers and the PBX that we are gone, once the calls have been hung up (X-D5).

        Who does not answer in that time, in seconds, learns it by our silence.
        """
        try:
            async with asyncio.timeout(within):
                await self._upstream.sign_off()
        except TimeoutError:
            log.info("A provider did not say that it has let us go.")

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Unbind. Legs should have been hung up before; what they still had to say is lost."""
        await self._exit.aclose()
        await asyncio.gather(*self._work, return_exceptions=True)

    def _close(self) -> None:
        for task in self._work:
            task.cancel()
        self._alerts.close()
        self._subscriptions.close()
        self._wire.transactions.abandon_all()
        self.tunnels.close_all()
        self._registrar.close()
        self._listeners.close()

    # Our own addresses.

    def _look_round(self, is_new: bool) -> None:
        self._guard.tidy()
        self._self_check.look_round()
        self._registrar.look_round(self._listeners.flow_to)
        self._upstream.look_round(is_new=is_new)
        self._wire.dialogs.look_round(self._way_to)

    def _way_to(self, flow: Flow, owner: str | None) -> Flow | None:
        if not flow.reliable:
            return self._listeners.flow_to(flow.remote)
        return (
            self._upstream.flow_to(flow.remote) if owner is None else self._registrar.flow_of(owner, flow.remote.host)
        )

    # What comes in.

    def receive(self, data: bytes, flow: Flow) -> None:
        """One message from a wire. Nothing that is in it can do more than be refused."""
        if not self._guard.admits(flow.remote.host) or not data.strip(b"\r\n\x00"):
            return
        self.traces.sip(data, str(flow.remote), sent=False)
        try:
            message = parse_message(data)
            if isinstance(message, Response):
                self._wire.transactions.receive_response(message)
            else:
                self._receive_request(message, flow)
        except MalformedMessage as fault:
            log.debug("From %s: %s", flow.remote, fault)
            if fault.request is not None:
                self._refuse_malformed(fault.request, fault.status, flow)

    def _refuse_malformed(self, request: Request, status: int, flow: Flow) -> None:
        """Tell the sender, when enough can be read to answer at all; else it gets silence."""
        if request.method == "ACK":
            return
        try:
            back = self._note_source(request, flow)
            if all(len(request.headers.all(name)) == 1 for name in ("From", "To", "Call-ID", "CSeq")):
                reason = "Version Not Supported" if status == 505 else "Bad Request"
                back.send(serialise(decline(request, status, reason)))
        except MalformedMessage:
            log.debug("The refusal of a malformed request from %s cannot be written", flow.remote)

    def _note_source(self, request: Request, flow: Flow) -> Flow:
        via = request.via.seen_from(flow.remote.host, flow.remote.port)
        request.headers.replace_first("Via", via)
        return answering_flow(via, flow)

    def _receive_request(self, request: Request, flow: Flow) -> None:
        back = self._note_source(request, flow)
        transaction = self._wire.transactions.find_server(request)
        if transaction is not None:
            transaction.receive(request, flow)
            return
        match request.method:
            case "ACK":
                self._receive_ack(request, flow)
            case "CANCEL":
                self._cancel(request, flow, back)
            case _ if request.recipient.tag is not None:
                self._receive_in_dialog(request, flow, back)
            case _:
                self._receive_from_outside(request, flow, back)

    def _receive_ack(self, request: Request, flow: Flow) -> None:
        dialogs = self._wire.dialogs
        user, dialog = dialogs.find(request) or dialogs.find_by_peer(request), dialogs.dialog_of(request)
        if user is None or (
            dialog is not None and self._speakers.standing(dialog, user.owner, flow) is not Standing.HEARD
        ):
            return
        user.receive_ack(request, flow)

    def _cancel(self, request: Request, flow: Flow, back: Flow) -> None:
        cancelled = self._wire.transactions.find_cancelled(request)
        transaction = self._wire.transactions.serve(request, back)
        if cancelled is None or not self._speakers.may_cancel(cancelled.flow, flow):
            transaction.respond(decline(request, 481, "Call/Transaction Does Not Exist", tag=self._tag(request)))
            return
        transaction.respond(decline(request, 200, "OK", tag=self._tag(request)))
        self._arrivals.cancel(cancelled)

    def _receive_in_dialog(self, request: Request, flow: Flow, back: Flow) -> None:
        user, dialog = self._wire.dialogs.find(request), self._wire.dialogs.dialog_of(request)
        standing = Standing.IGNORED
        if user is not None and dialog is not None:
            standing = self._speakers.standing(dialog, user.owner, flow)
        if standing is Standing.ASKED:
            proven = self._authentication.proven(request, flow, back)
            if proven is None:
                return
            standing = Standing.HEARD if user is not None and proven == user.owner else Standing.IGNORED
        if user is None or dialog is None or standing is Standing.IGNORED:
            # No state for a stranger (RFC 3261 section 8.2.7).
            back.send(serialise(decline(request, 481, "Call/Transaction Does Not Exist")))
            return
        if flow.remote.host != dialog.flow.remote.host and user.owner is not None:
            dialog.flow = flow  # the phone has moved
        transaction = self._wire.transactions.serve(request, back)
        try:
            user.receive(transaction, flow)
        except MalformedMessage as fault:
            self._give_up(transaction, fault)

    def _receive_from_outside(self, request: Request, flow: Flow, back: Flow) -> None:
        """A request that begins something: only for those who can prove who they are (T-S3)."""
        if request.method not in _KNOWN_METHODS:
            back.send(serialise(decline(request, 501, "Not Implemented", tag=self._tag(request))))
            return
        host = flow.remote.host
        is_known = self._registrar.knows_source(flow.remote) or self._upstream.speaks_from(flow.remote)
        if request.method == "OPTIONS" and is_known:
            back.send(serialise(self._options_response(request)))
            return
        trunk = self._upstream.called_by(request, flow.remote) if request.method == "INVITE" else None
        if trunk is not None:
            self._guard.has_succeeded(host)
            transaction = self._wire.transactions.serve(request, back)
            try:
                self._arrivals.take_from_trunk(transaction, flow, trunk)
            except MalformedMessage as fault:
                self._give_up(transaction, fault)
            return
        user = self._authentication.proven(request, flow, back)
        if user is None:
            return
        transaction = self._wire.transactions.serve(request, back)
        try:
            self._serve(transaction, user, flow)
        except MalformedMessage as fault:
            self._give_up(transaction, fault)

    def _give_up(self, transaction: ServerTransaction, fault: MalformedMessage) -> None:
        """A field that only who serves the request has read is broken: no transaction may wait for ever (T-S10)."""
        log.debug("A %s is broken: %s", transaction.request.method, fault)
        try:
            transaction.respond(decline(transaction.request, fault.status, "Bad Request"))
        except MalformedMessage:
            transaction.abandon()

    def _serve(self, transaction: ServerTransaction, user: str, flow: Flow) -> None:
        """A request that begins something, of a phone that has proven to be `user`."""
        request = transaction.request
        match request.method:
            case "REGISTER":
                self._begin(self._register(transaction, user, flow))
            case "INVITE":
                self._arrivals.take_from_phone(transaction, flow, user)
            case "SUBSCRIBE":
                self._subscriptions.subscribe(transaction, user)
            case "MESSAGE":
                self.instant_messages.receive(transaction, user)
            case "OPTIONS":
                transaction.respond(self._options_response(request))
            case "REFER":  # nobody is in a call that could be transferred (T-F5)
                transaction.respond(decline(request, 403, "Forbidden", tag=self._tag(request)))
            case "BYE" | "UPDATE" | "INFO" | "PRACK":
                transaction.respond(decline(request, 481, "Call/Transaction Does Not Exist", tag=self._tag(request)))
            case _:
                transaction.respond(decline(request, 405, "Method Not Allowed", tag=self._tag(request)))

    def _options_response(self, request: Request) -> Response:
        response = decline(request, 200, "OK", tag=self._tag(request))
        response.headers.add("Allow", ALLOW)
        response.headers.add("Accept", CONTENT_TYPE)
        return response

    async def _register(self, transaction: ServerTransaction, user: str, flow: Flow) -> None:
        transaction.respond(await self._registrar.register(transaction.request, user, flow))

    # Small things.

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _terms_of(self, extension: str, flow: Flow) -> MediaTerms:
        return phone_terms(self._shop().phone(extension), is_browser=flow.transport == TRANSPORT)

    def _is_provider(self, host: str) -> bool:
        return self._upstream.is_at(host)

    def _is_trusted(self, host: str) -> bool:
        """Heard though it is on the internet: a provider, or where the owner allows phones to be."""
        return self._is_provider(host) or any(ip_address(host) in network for network in self._allowed)

    def _begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("A task of the SIP server failed", exc_info=task.exception())
