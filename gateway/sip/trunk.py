"""One provider: registered there, called through it, called from it (implements telephony.line.Trunk)."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Callable, Coroutine
from typing import TypeAlias

from gateway.errors import AddressInUse, NoFreeLine
from gateway.events import AlertCleared, AlertRaised, Publish, TrunkChanged
from gateway.sip.beacon import Beacon
from gateway.sip.digest import DigestClient
from gateway.sip.grammar import MalformedMessage, split_outside
from gateway.sip.headers import NameAddress, parse_name_address
from gateway.sip.media_terms import trunk_terms
from gateway.sip.message import Request
from gateway.sip.outgoing import OutgoingCall
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.registration import Registration, Turns
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sip_leg import SipLeg
from gateway.sip.target import Target
from gateway.sip.transport import Address, Flow
from gateway.sip.uri import OtherUri, SipUri, Uri
from gateway.sip.wire import Wire
from gateway.telephony.call_budget import CallBudget
from gateway.telephony.causes import Cause
from gateway.telephony.ledger import Budget
from gateway.telephony.leg import Direction, Leg
from gateway.telephony.line import TrunkState
from gateway.telephony.numbers import Dialable, NumberPolicy
from gateway.telephony.shop import Presents, ShopView, TrunkSettings

log = logging.getLogger(__name__)

LOOK_UP_SECONDS = 300.0
"""How often the name of a trunk without an account is looked up again; one with an account does it at each attempt."""
REFUSED_ALERT = "trunk-refused"
FIRST_WORD_SECONDS = 8.0
"""So long a provider may leave an INVITE without any response, before another way is tried (RFC 3263 section 4.3)."""
PATIENCE_SECONDS = 180.0
"""So long a call may ring at the provider (RFC 3261 section 13.3.1.1)."""

Begin: TypeAlias = Callable[[Coroutine[object, object, None]], asyncio.Task[None]]
"""Runs work that its owner cancels at the end."""

_SHOWN_CALLER = re.compile(r"[0-9+*#A-Za-z._\-]{1,40}")


class SipTrunk:
    """A trunk of the shop. `settings.host` may carry a port."""

    def __init__(
        self,
        settings: TrunkSettings,
        beacon: Beacon,
        *,
        shop: ShopView,
        publish: Publish,
        wire: Wire,
        pacer: Pacer,
        ports: PortRange,
        budget: Budget,
        begin: Begin,
    ) -> None:
        self.settings = settings
        self.state = TrunkState.STARTING
        self._reason: str | None = None
        self._shop = shop
        self._publish = publish
        self._wire = wire
        self._beacon = beacon
        self._place = beacon.place
        self._pacer = pacer
        self._ports = ports
        self._budget = budget
        self._begin = begin
        self._is_alerted = False
        self._registration: Registration | None = None
        self._legs: set[Leg] = set()

    @property
    def name(self) -> str:
        """As in shop.toml."""
        return self.settings.name

    @property
    def number(self) -> str:
        """What customers see, and what they dialled when they call by this trunk."""
        return self.settings.number or self.settings.user or self.settings.name

    @property
    def account(self) -> DigestClient | None:
        """Who answers the provider's challenges in one call; None where there is no account."""
        settings = self.settings
        return DigestClient(settings.user, settings.password) if settings.user and settings.password else None

    @property
    def is_usable(self) -> bool:
        """A call can be placed now: registered, or found, where there is no account to register."""
        return self.state is TrunkState.READY and self._place.flow is not None

    @property
    def has_room(self) -> bool:
        """One more call may run by it."""
        return self.settings.calls_at_once is None or len(self._legs) < self.settings.calls_at_once

    @property
    def seen_at(self) -> str | None:
        """The host that the provider sees us at, where it is none of ours: our router's."""
        return None if self._registration is None else self._registration.seen_at

    def carry(self, leg: Leg) -> None:
        """A call runs by the trunk, whichever way it has come."""
        self._legs.add(leg)
        leg.on_change(lambda leg: self._legs.discard(leg) if leg.cause is not None else None)

    async def run(self, turns: Turns) -> None:
        """Keep the trunk usable until cancelled."""
        settings = self.settings
        if settings.user is not None and settings.password is not None:
            self._registration = Registration(
                self._wire,
                self._beacon,
                turns,
                user=settings.user,
                password=settings.password,
                report=self._enter,
            )
            await self._registration.run()
        while True:
            await self._place.look_up()
            found = await self._place.open() is not None
            self._enter(TrunkState.READY if found else TrunkState.FAILED, None if found else "no-address")
            await self._place.is_lost_within(LOOK_UP_SECONDS if found else LOOK_UP_SECONDS / 10)

    def look_round(self, *, is_new: bool) -> None:
        """Our own address may be another one by now; `is_new`: one was added."""
        if self._registration is not None:
            self._registration.look_round(is_new=is_new)

    def flow_to(self, remote: Address) -> Flow | None:
        """The way to the provider, if that is where it leads; None: there is none now."""
        flow = self._place.flow
        return flow if flow is not None and flow.remote == remote else None

    async def sign_off(self) -> None:
        """Let the provider know that we are gone; `run` is over."""
        if self._registration is not None:
            await self._registration.sign_off()

    def forget(self) -> None:
        """The trunk has left the shop: what was said of it is over."""
        if self._is_alerted:
            self._publish(AlertCleared(code=REFUSED_ALERT, subject=self.name))

    def _enter(self, state: TrunkState, reason: str | None) -> None:
        if (state, reason) == (self.state, self._reason):
            return
        self.state, self._reason = state, reason
        log.info("Trunk %s: %s%s", self.name, state, f" ({reason})" if reason else "")
        self._publish(TrunkChanged(trunk=self.name, state=state, reason=reason))
        if state is TrunkState.REFUSED and reason is not None:
            self._is_alerted = True
            values = {"trunk": self.name, "reason": reason}
            self._publish(AlertRaised(code=REFUSED_ALERT, subject=self.name, values=values))
        elif state is TrunkState.READY and self._is_alerted:
            self._is_alerted = False
            self._publish(AlertCleared(code=REFUSED_ALERT, subject=self.name))

    # Calls that go out.

    def dial(self, number: Dialable, *, caller_id: str, call_id: str, extension: str | None) -> Leg:
        """Place a call: returns a NEW leg at once; its own task commits the first minute, then sends the INVITE.

        Raises NoFreeLine when the trunk is not usable, or has no room; for an emergency it has.
        """
        flow = self._place.flow
        if not self.is_usable or flow is None:
            raise NoFreeLine(f"The trunk {self.name} cannot carry a call now: it is {self.state}.")
        if not self.has_room and not number.emergency:
            raise NoFreeLine(f"The trunk {self.name} carries {len(self._legs)} calls; you allow it no more at once.")
        log.info("Call %s of %s leaves by the trunk %s.", call_id, extension or "nobody", self.name)
        port = RtpPort(self._pacer, self._ports)
        leg = SipLeg(direction=Direction.OUTGOING, peer=number.digits, called=number.digits, port=port, line=self.name)
        try:
            port.open(flow.local.host)
        except AddressInUse as fault:
            log.error("The trunk %s cannot carry a call: %s", self.name, fault)
            leg.fail(Cause.CONGESTION)
            return leg
        settings = self.settings
        us, fields = presentation(settings, self._place.host, self._place.given_port, caller_id or self.number)
        target = Target(
            uri=SipUri(self._place.host, self._place.given_port, number.digits),
            flow=flow,
            account=self.account,
            contact_user=settings.user,
            terms=trunk_terms(settings),
            fields=fields,
            spare_flows=tuple(self._place.spare_flows()),
            patience_seconds=FIRST_WORD_SECONDS,
        )
        call = OutgoingCall(self._wire, [target], us, port, leg.events, trusted=True)
        leg.attach(call)
        self.carry(leg)
        budget = CallBudget(self._budget, leg, leg.fail)
        self._begin(
            budget.spend(number, call.start, call_id=call_id, extension=extension, patience_seconds=PATIENCE_SECONDS)
        )
        return leg

    # Calls that come in.

    def is_on(self, host: str) -> bool:
        """True when the provider has an address of that host."""
        return host in self._place.hosts

    def is_at(self, source: Address) -> bool:
        """True for the provider's own addresses.

        Providers send from several ports, so the host decides; but on the loopback host, where every program
        of this machine may speak, the port must be right as well.
        """
        return self._place.is_source(source, any_port=not ipaddress.ip_address(source.host).is_loopback)

    def is_called_by(self, request: Request) -> bool:
        """The Request-URI, To or P-Called-Party-ID names the trunk's user or number, in whatever spelling."""
        policy = NumberPolicy(self._shop().numbers)
        own = {self.settings.user, self.settings.number} - {None, ""}
        users = [_user_of(uri) for uri in (request.uri, request.recipient.uri)]
        users += [_user_of(address.uri) for address in _addresses(request, "P-Called-Party-ID")]  # RFC 7315 section 4.2
        return any(user and (user in own or policy.normalise(user) in own) for user in users)

    def caller_of(self, request: Request) -> tuple[str, str]:
        """Number and name of who calls; the number is empty when withheld.

        The provider vouches for P-Asserted-Identity (RFC 3325) and Remote-Party-ID (draft-ietf-sip-privacy-04);
        From is what the caller wants to be.
        """
        if {"id", "user"} & set((request.headers.get("Privacy") or "").lower().replace(" ", "").split(";")):
            return "", ""
        vouched = _addresses(request, "P-Asserted-Identity") + _addresses(request, "Remote-Party-ID")
        if any((each.parameter("privacy") or "off") not in ("off", "name") for each in vouched):
            return "", ""
        address = vouched[0] if vouched else request.sender
        text = _user_of(address.uri)
        number = NumberPolicy(self._shop().numbers).normalise(text) or text
        if text.lower() == "anonymous" or not _SHOWN_CALLER.fullmatch(number):
            number = ""
        return number, request.sender.display_name[:80] if number else ""


def presentation(
    settings: TrunkSettings, host: str, port: int | None, number: str
) -> tuple[NameAddress, tuple[tuple[str, str], ...]]:
    """From, and more fields, that tell a provider which number the customer is to see, or that there is to be none.

    Withheld: the provider still learns the number, in the field that it trusts, and keeps it to itself (RFC 3323
    section 4.1, RFC 3325 section 9.3).
    """
    ours = NameAddress(SipUri(host, port, number))
    account = NameAddress(SipUri(host, port, settings.user or number))
    fields: list[tuple[str, str]] = []
    if settings.presents in (Presents.BOTH, Presents.ASSERTED) or (
        settings.withholds_number and settings.presents is Presents.FROM
    ):
        fields.append(("P-Asserted-Identity", str(ours)))
    if settings.presents is Presents.REMOTE_PARTY:
        privacy = "full" if settings.withholds_number else "off"
        shown = ours.with_parameter("party", "calling").with_parameter("privacy", privacy)
        fields.append(("Remote-Party-ID", str(shown.with_parameter("screen", "yes"))))
    if settings.withholds_number:
        fields.append(("Privacy", "id"))
        return NameAddress(SipUri("anonymous.invalid", None, "anonymous"), "Anonymous"), tuple(fields)
    return (ours if settings.presents in (Presents.BOTH, Presents.FROM) else account), tuple(fields)


def _addresses(request: Request, name: str) -> list[NameAddress]:
    """The addresses of a field that can be read; a field may hold a sip and a tel URI."""
    found: list[NameAddress] = []
    for value in request.headers.all(name):
        try:
            found += [parse_name_address(each.strip()) for each in split_outside(value, ",")]
        except MalformedMessage as fault:
            log.debug("A %s cannot be read: %s", name, fault)
    return found


def _user_of(uri: Uri) -> str:
    match uri:
        case SipUri():
            return (uri.user or "").partition(";")[0]
        case OtherUri(scheme="tel"):
            return uri.rest.partition(";")[0]
        case _:
            return ""
