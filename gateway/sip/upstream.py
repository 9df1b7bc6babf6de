"""Where we are registered ourselves: the providers of the shop, and the couriers' extensions at the PBX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from weakref import WeakValueDictionary

from gateway.events import Publish
from gateway.sip.account_trial import Tried, try_account
from gateway.sip.beacon import Beacon
from gateway.sip.grammar import MalformedMessage
from gateway.sip.listeners import Listeners
from gateway.sip.message import Request
from gateway.sip.pacer import Pacer
from gateway.sip.place import Place
from gateway.sip.port_range import PortRange
from gateway.sip.registration import Turns
from gateway.sip.resolver import Names
from gateway.sip.stream import Begin
from gateway.sip.transport import Address, Flow
from gateway.sip.trunk import SipTrunk
from gateway.sip.trunks import SipTrunks
from gateway.sip.uri import parse_host_port
from gateway.sip.wire import Wire
from gateway.telephony.ledger import Budget
from gateway.telephony.shop import ShopView, SipTransport, TrunkSettings


class Upstream:
    """All accounts of ours. `begin` follows the shop, and runs what there is to run."""

    def __init__(
        self,
        listeners: Listeners,
        names: Names,
        on_answer: Callable[[str], None],
        begin: Begin,
        *,
        shop: ShopView,
        publish: Publish,
        wire: Wire,
        pacer: Pacer,
        ports: PortRange,
        budget: Budget,
    ) -> None:
        """`on_answer` gets the host whenever a provider has spoken: it is known from then on."""
        turns = Turns()
        self.trunks = SipTrunks(lambda: shop().trunks, self._new_trunk, begin, turns)
        """The providers, by name."""
        self.pbx_accounts = SipTrunks(lambda: shop().pbx_accounts, self._new_trunk, begin, turns)
        """The couriers' accounts at the PBX, by name."""
        self._listeners = listeners
        self._names = names
        self._on_answer = on_answer
        self._begin = begin
        self._following: list[asyncio.Task[None]] = []
        self._wire = wire
        self._beacons: WeakValueDictionary[tuple[str, SipTransport, str | None], Beacon] = WeakValueDictionary()
        self._tried: Place | None = None
        self._build = partial(
            SipTrunk, shop=shop, publish=publish, wire=wire, pacer=pacer, ports=ports, budget=budget, begin=begin
        )

    async def try_account(self, settings: TrunkSettings) -> Tried:
        """What a provider says to an account that is not of the shop yet. ValueError for a host that is none."""
        try:
            place = self._place_of(settings)
        except MalformedMessage as fault:
            raise ValueError(str(fault)) from fault
        accounts = (*self.trunks.values(), *self.pbx_accounts.values())
        stays = any((each.settings.host, each.settings.user) == (settings.host, settings.user) for each in accounts)
        self._tried = place
        try:
            return await try_account(settings, self._wire, Beacon(self._wire, place, self._on_answer), stays=stays)
        finally:
            self._tried = None

    def begin(self) -> None:
        """From now on the accounts are those of the shop."""
        self._following = [self._begin(group.follow()) for group in (self.trunks, self.pbx_accounts)]

    def look_round(self, *, is_new: bool) -> None:
        """Our own address may be another one by now; `is_new`: one was added (X-N4)."""
        for trunk in (*self.trunks.values(), *self.pbx_accounts.values()):
            trunk.look_round(is_new=is_new)

    def seen_at(self) -> frozenset[str]:
        """The hosts that providers see us at, behind a router."""
        accounts = (*self.trunks.values(), *self.pbx_accounts.values())
        return frozenset(host for each in accounts if (host := each.seen_at) is not None)

    def flow_to(self, remote: Address) -> Flow | None:
        """The connection that a provider is reached by now."""
        accounts = (*self.trunks.values(), *self.pbx_accounts.values())
        return next((flow for each in accounts if (flow := each.flow_to(remote)) is not None), None)

    async def sign_off(self) -> None:
        """No account is kept up any more, and the registrars are told so."""
        for task in self._following:
            task.cancel()
        async with asyncio.TaskGroup() as work:
            for group in (self.trunks, self.pbx_accounts):
                work.create_task(group.sign_off())

    def is_at(self, host: str) -> bool:
        """Some provider, or the PBX, has an address on that host: it is heard though it may be no private one."""
        is_tried = self._tried is not None and host in self._tried.hosts
        return is_tried or self.trunks.is_at(host) or self.pbx_accounts.is_at(host)

    def speaks_from(self, source: Address) -> bool:
        """A provider, or the PBX, sends from there."""
        return self.trunks.at(source) is not None or self.pbx_accounts.at(source) is not None

    def called_by(self, request: Request, source: Address) -> SipTrunk | None:
        """Whose call it is; None: not from a provider, or not for a number or extension of ours."""
        return self.trunks.called_by(request, source) or self.pbx_accounts.called_by(request, source)

    def _new_trunk(self, settings: TrunkSettings) -> SipTrunk:
        """Raises MalformedMessage for a host that cannot be read."""
        return self._build(settings, self._beacon_of(settings))

    def _beacon_of(self, settings: TrunkSettings) -> Beacon:
        """Accounts at one provider share what is known of it, and one connection."""
        key = settings.host, settings.transport, settings.ca_file
        beacon = self._beacons.get(key)
        if beacon is None:
            beacon = self._beacons[key] = Beacon(self._wire, self._place_of(settings), self._on_answer)
        return beacon

    def _place_of(self, settings: TrunkSettings) -> Place:
        listeners = self._listeners
        connect = listeners.connector(parse_host_port(settings.host)[0], settings.ca_file)
        return Place(settings.host, listeners.flow_to, self._names, connect=connect, transport=settings.transport)
