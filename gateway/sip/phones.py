"""The phones of the shop: ringing them, and noticing which are dead (implements telephony.line.Phones)."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from gateway.errors import AddressInUse
from gateway.sip.headers import NameAddress
from gateway.sip.media_terms import MediaTerms
from gateway.sip.message import Response
from gateway.sip.outgoing import OutgoingCall
from gateway.sip.pacer import Pacer
from gateway.sip.phone_request import request_to
from gateway.sip.port_range import PortRange
from gateway.sip.registrar import Binding, Registrar
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sip_leg import SipLeg
from gateway.sip.target import Target
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri
from gateway.sip.wire import Wire
from gateway.telephony.causes import Cause
from gateway.telephony.leg import Direction, Leg
from gateway.telephony.line import Caller

log = logging.getLogger(__name__)

QUALIFY_SECONDS = 30.0
QUALIFY_PATIENCE_SECONDS = 4.0


class SipPhones:
    """The SIP accounts of the shop."""

    def __init__(
        self,
        wire: Wire,
        registrar: Registrar,
        pacer: Pacer,
        ports: PortRange,
        terms_of: Callable[[str, Flow], MediaTerms],
    ) -> None:
        """`terms_of` says what may be spoken with the phone of an extension that is reached that way."""
        self._wire = wire
        self._registrar = registrar
        self._pacer = pacer
        self._ports = ports
        self._terms_of = terms_of

    def is_reachable(self, extension: str) -> bool:
        """Some phone is registered for the extension."""
        return bool(self._registrar.contacts(extension))

    def dial(self, extension: str, *, caller: Caller) -> Leg:
        """Ring all contacts of the extension; one NEW leg. An unregistered one ends at once as UNREACHABLE."""
        port = RtpPort(self._pacer, self._ports)
        leg = SipLeg(direction=Direction.OUTGOING, peer=extension, called=extension, port=port)
        bindings = self._registrar.contacts(extension)
        if not bindings:
            leg.end_unreachable()
            return leg
        try:
            port.open(common_host([binding.flow for binding in bindings]))
        except AddressInUse as fault:
            log.error("Extension %s cannot be rung: %s", extension, fault)
            leg.fail(Cause.CONGESTION)
            return leg
        targets = [
            Target(uri=binding.uri, flow=binding.flow, terms=self._terms_of(extension, binding.flow))
            for binding in bindings
        ]
        call = OutgoingCall(self._wire, targets, caller_address(caller, bindings[0].flow), port, leg.events)
        leg.attach(call)
        call.start()
        return leg

    async def qualify(self) -> None:
        """Ask every phone from time to time whether it lives; runs until cancelled.

        It keeps the mappings of NATs open, too. A phone that has never answered is left alone: some
        do not know OPTIONS, and must not be called dead for it.
        """
        while True:
            await asyncio.sleep(QUALIFY_SECONDS)
            for binding in self._registrar.everything():
                if binding.answers_options is not False:
                    delay = random.uniform(0, QUALIFY_SECONDS / 4)  # noqa: S311  # spreads load, keeps no secret
                    asyncio.get_running_loop().call_later(delay, self._ask, binding)

    def _ask(self, binding: Binding) -> None:
        def answered(response: Response) -> None:
            if response.status < 200:
                return
            if response.status == 408:
                self._registrar.has_missed(binding)
            else:
                self._registrar.has_answered(binding)

        if any(each is binding for each in self._registrar.everything()):
            self._wire.transactions.ask(
                request_to(binding, "OPTIONS"), binding.flow, answered, patience_seconds=QUALIFY_PATIENCE_SECONDS
            )


def caller_address(caller: Caller, flow: Flow) -> NameAddress:
    """The From of a call to a phone: who calls, at our own address (RFC 3261 section 8.1.1.3)."""
    local = flow.local
    if not caller.number:
        return NameAddress(SipUri("anonymous.invalid", None, "anonymous"), caller.name or "Anonymous")
    name = "".join(character for character in caller.name if character.isprintable())
    return NameAddress(SipUri(local.host, local.port, caller.number), name)


def common_host(flows: list[Flow]) -> str:
    """The address to bind media at for flows from one or several of our addresses."""
    hosts = {flow.local.host for flow in flows}
    if len(hosts) == 1:
        return hosts.pop()
    return "::" if any(":" in host for host in hosts) else "0.0.0.0"
