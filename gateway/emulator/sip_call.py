"""A call of the emulator's SIP phone: dialog, session and sound (RFC 3261 sections 12 to 15)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.emulator import phone_sdp
from gateway.emulator.phone_rtp import RtpStream
from gateway.emulator.phone_sdp import Described
from gateway.emulator.progress import CallState, Progress
from gateway.emulator.sip_endpoint import LIFETIME_SECONDS, ServerTransaction
from gateway.emulator.sip_message import SipMessage, address_uri, parameters, uri_user
from gateway.emulator.sound import Samples
from gateway.emulator.track import Track

if TYPE_CHECKING:
    from gateway.emulator.sip_phone import SipPhone


class PhoneCall:
    """One call, to or from the phone. Made by `SipPhone.call` and `SipPhone.incoming`.

    `track` is the mouth and the ear of the person at the phone.
    """

    def __init__(self, phone: SipPhone, identity: str, *, is_incoming: bool) -> None:
        self.id = identity
        self.is_incoming = is_incoming
        self.peer = ""
        """The other side: what was dialled, or the user part of From."""
        self.peer_name = ""
        self.progress = Progress()
        self.status: int | None = None
        """The final status of the INVITE."""
        self.reason = ""
        self.ended_by: str | None = None
        """ "phone" or "peer"."""
        self.statuses: list[tuple[float, int]] = []
        """Each response to the INVITE with its moment."""
        self.track = Track()
        self.rtp = RtpStream(phone.clock, phone.host, self.track, ppm=phone.ppm)
        self.codec: str | None = None
        self._phone = phone
        self._call_id = secrets.token_hex(12)
        self._local_tag = secrets.token_hex(6)
        self._local = self._remote = ""
        self._target = ""
        self._routes: list[str] = []
        self._sequence = 0
        self._invite: SipMessage | None = None
        self._server: ServerTransaction | None = None
        self._ack: SipMessage | None = None
        self._tries = 0
        self._is_cancelled = False
        self._event_type: int | None = phone_sdp.EVENT_TYPE
        self._described: Described | None = None
        self._has_sent_cancel = False
        self._given_up: asyncio.TimerHandle | None = None

    @property
    def state(self) -> CallState:
        """How far it has come."""
        return self.progress.state

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self._call_id

    # Verbs

    async def ringing(self) -> None:
        """Until the other side rings (180 or 183), or this one does; CallEndedEarly when it ended before."""
        await self.progress.reached(CallState.RINGING)

    async def answered(self) -> None:
        """Until the call is up."""
        await self.progress.reached(CallState.ACTIVE)

    async def ended(self) -> None:
        """Until it is over."""
        await self.progress.reached(CallState.ENDED)

    def play(self, samples: Samples, done: Callable[[], None] | None = None, *, at: float | None = None) -> None:
        """Speak from the next packet on, or at a moment; before the answer: from the first packet on."""
        self.track.say(samples, done, at=at)

    def heard(self) -> bytes:
        """All that was heard, s16le at 8 kHz, laid out by the timestamps of the packets."""
        return self.track.heard_bytes()

    def press(self, digits: str, *, tone_seconds: float = 0.1, gap_seconds: float = 0.1, in_band: bool = False) -> None:
        """Press keys: as RFC 4733 events, or as tones in the sound. ValueError for what is no key."""
        if in_band or self._event_type is None:
            self.track.press(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)
        else:
            self.rtp.press(digits, tone_seconds=tone_seconds, gap_seconds=gap_seconds)

    def ring(self, status: int = 180) -> None:
        """Tell the caller that it rings."""
        if self.is_incoming and self.progress.enter(CallState.RINGING):
            self._respond(status, "Ringing" if status == 180 else "Session Progress")
            self.progress.tell()

    def answer(self) -> None:
        """Take an incoming call. ValueError when its offer has nothing that this phone speaks."""
        if not self.is_incoming or self._invite is None or self.state in (CallState.ACTIVE, CallState.ENDED):
            return
        if self._invite.body:
            offer = phone_sdp.read(self._invite.body)
            body = self._accept(offer)
        else:
            body = self._offer()
        if self._server is not None:
            self._server.unacknowledged = self.hang_up
        self._respond(200, "OK", body)
        self._up()

    def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Refuse an incoming call."""
        if self.is_incoming and self.state in (CallState.DIALLING, CallState.RINGING):
            self._respond(status, reason)
            self._end("phone", status, reason)

    def hang_up(self) -> None:
        """End it: BYE when it is up, CANCEL or 603 before."""
        match self.state:
            case CallState.ACTIVE:
                self._say_bye()
                self._end("phone")
            case CallState.ENDED:
                return
            case _ if self.is_incoming:
                self.reject(603, "Decline")
            case _:
                self._cancel()

    # What SipPhone calls

    def start(self, uri: str) -> None:
        """Send the INVITE."""
        self.peer = uri_user(uri) or uri
        self._local = f"<{self._phone.identity}>;tag={self._local_tag}"
        self._remote = f"<{uri}>"
        self._target = uri
        self.rtp.listen(self._phone.decoders(), self._event_type)
        self._send_invite([])

    def take_invite(self, request: SipMessage, transaction: ServerTransaction) -> None:
        """An incoming call has come to this phone."""
        self._invite, self._server = request, transaction
        self._call_id = request.first("call-id")
        self._remote = request.first("from")
        self._local = f"{request.first('to')};tag={self._local_tag}"
        self._target = address_uri(request.first("contact"))
        self._routes = request.all("record-route")
        self.peer = uri_user(address_uri(self._remote))
        self.peer_name = self._remote.partition("<")[0].strip().strip('"')
        self.rtp.listen(self._phone.decoders(), self._event_type)
        self._respond(100, "Trying")

    def take_request(self, request: SipMessage, transaction: ServerTransaction | None) -> None:
        """A request within this call."""
        match request.method, transaction:
            case "ACK", None:
                if self._server is not None:
                    self._server.acknowledged()
                if self._invite is not None and not self._invite.body and request.body:
                    self._settle(phone_sdp.read(request.body))
            case "CANCEL", ServerTransaction():
                transaction.respond(self._phone.response(request, 200, "OK", tag=self._local_tag))
                if self.is_incoming and self.state in (CallState.DIALLING, CallState.RINGING):
                    self._respond(487, "Request Terminated")
                    self._end("peer", 487, "Request Terminated")
            case "BYE", ServerTransaction():
                transaction.respond(self._phone.response(request, 200, "OK"))
                self._end("peer")
            case "INVITE", ServerTransaction():
                self._server = transaction
                self._take_reinvite(request, transaction)
            case _, ServerTransaction():
                transaction.respond(self._phone.response(request, 200, "OK"))

    def close(self) -> None:
        """Leave no traces; the other side is told if the call is up."""
        if self.state is not CallState.ENDED:
            self.hang_up()
        self._end("phone")

    # Within

    def _send_invite(self, credentials: list[tuple[str, str]]) -> None:
        self._sequence += 1
        request = self._request("INVITE", self._sequence)
        request.headers += credentials
        request.body = self._offer()
        request.add("Content-Type", "application/sdp")
        self._invite = request
        self._phone.endpoint.ask(request, self._phone.next_hop(self._target, self._routes), self._heard)

    def _request(self, method: str, sequence: int) -> SipMessage:
        request = SipMessage(method=method, uri=self._target)
        request.add("Max-Forwards", "70")
        for route in self._routes:
            request.add("Route", route)
        request.add("From", self._local)
        request.add("To", self._remote)
        request.add("Call-ID", self._call_id)
        request.add("CSeq", f"{sequence} {method}")
        if method in ("INVITE", "ACK"):
            request.add("Contact", self._phone.contact)
        request.add("User-Agent", self._phone.user_agent)
        return request

    def _respond(self, status: int, reason: str, body: bytes = b"") -> None:
        if self._invite is None or self._server is None:
            return
        response = self._phone.response(self._invite, status, reason, tag=self._local_tag if status > 100 else None)
        if 100 < status < 300:
            for route in self._routes:
                response.add("Record-Route", route)
            response.add("Contact", self._phone.contact)
        if body:
            response.add("Content-Type", "application/sdp")
            response.body = body
        self._server.respond(response)

    def _heard(self, response: SipMessage | None) -> None:
        """A response to the INVITE."""
        if response is None:
            self._end("peer", 408, "Request Timeout")
            return
        self.statuses.append((asyncio.get_running_loop().time(), response.status))
        if response.status in (401, 407) and self._try_again(response):
            return
        if response.status >= 300:
            self._end("phone" if self._is_cancelled else "peer", response.status, response.reason)
        elif response.status >= 200:
            self._take_2xx(response)
        elif response.status > 100:
            self._take_provisional(response)
        elif self._is_cancelled:
            self._send_cancel()

    def _try_again(self, response: SipMessage) -> bool:
        request = self._invite
        if request is None or self._is_cancelled or self._tries > 1:
            return False
        self._tries += 1
        answer = self._phone.credentials(response, request)
        if answer is not None:
            self._send_invite([answer])
        return answer is not None

    def _take_provisional(self, response: SipMessage) -> None:
        if self._is_cancelled:
            self._send_cancel()
            return
        if response.body:
            self._settle(phone_sdp.read(response.body), speaks=False)
        if self.progress.enter(CallState.RINGING):
            self.progress.tell()

    def _take_2xx(self, response: SipMessage) -> None:
        if self._ack is None:
            self._remote = response.first("to")
            self._target = address_uri(response.first("contact")) or self._target
            self._routes = response.all("record-route")[::-1]
            self._ack = self._request("ACK", self._sequence)
            self._ack.headers.insert(0, ("Via", self._phone.endpoint.new_via()))
        self._phone.endpoint.transmit(self._ack, self._phone.next_hop(self._target, self._routes))
        if self.state is CallState.ENDED or self._is_cancelled:
            if self.progress.answered is None:  # the answer crossed our CANCEL
                self._say_bye()
                self._end("phone", 487, "Request Terminated")
            return
        if self.state is not CallState.ACTIVE:
            self.status, self.reason = response.status, response.reason
            self._settle(phone_sdp.read(response.body))
            self._up()

    def _cancel(self) -> None:
        self._is_cancelled = True
        self._given_up = asyncio.get_running_loop().call_later(LIFETIME_SECONDS, self._end, "phone", 487)
        if self.statuses:  # only after a provisional response (section 9.1)
            self._send_cancel()

    def _send_cancel(self) -> None:
        invite = self._invite
        if invite is None or self._has_sent_cancel:
            return
        self._has_sent_cancel = True
        cancel = SipMessage(method="CANCEL", uri=invite.uri)
        cancel.add("Via", invite.first("via"))
        cancel.add("Max-Forwards", "70")
        for route in invite.all("route"):
            cancel.add("Route", route)
        cancel.add("From", self._local)
        cancel.add("To", self._remote)
        cancel.add("Call-ID", self._call_id)
        cancel.add("CSeq", f"{self._sequence} CANCEL")
        self._phone.endpoint.ask(cancel, self._phone.next_hop(invite.uri, self._routes), lambda _response: None)

    def _say_bye(self, credentials: tuple[str, str] | None = None) -> None:
        self._sequence += 1
        bye = self._request("BYE", self._sequence)
        if credentials is not None:
            bye.headers.append(credentials)

        def heard(response: SipMessage | None) -> None:
            if response is not None and response.status in (401, 407) and credentials is None:
                answer = self._phone.credentials(response, bye)
                if answer is not None:
                    self._say_bye(answer)

        self._phone.endpoint.ask(bye, self._phone.next_hop(self._target, self._routes), heard)

    def _take_reinvite(self, request: SipMessage, transaction: ServerTransaction) -> None:
        self._target = address_uri(request.first("contact")) or self._target
        body = self._accept(phone_sdp.read(request.body)) if request.body else self._offer()
        response = self._phone.response(request, 200, "OK")
        response.add("Contact", self._phone.contact)
        response.add("Content-Type", "application/sdp")
        response.body = body
        transaction.respond(response)
        if self.state is CallState.ACTIVE and request.body:
            self._settle(phone_sdp.read(request.body))

    def _offer(self) -> bytes:
        codecs = [(kind, codec.name) for kind, codec in self._phone.decoders().items()]
        return phone_sdp.describe(self._phone.host, self.rtp.port, codecs, event_type=self._event_type)

    def _accept(self, offer: Described) -> bytes:
        chosen = offer.codecs(self._phone.codecs)
        if not chosen:
            raise ValueError("The offer has no codec that this phone speaks.")
        self._settle(offer, speaks=False)
        direction = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(offer.direction, offer.direction)
        kind, codec = chosen[0]
        return phone_sdp.describe(
            self._phone.host, self.rtp.port, [(kind, codec.name)], event_type=offer.event_type, direction=direction
        )

    def _settle(self, theirs: Described, *, speaks: bool = True) -> None:
        """Listen as described; with `speaks` also send."""
        chosen = theirs.codecs(self._phone.codecs)
        if not chosen:
            return
        self.codec = chosen[0][1].name
        self._event_type = theirs.event_type
        self.rtp.listen({**self._phone.decoders(), **dict(chosen)}, theirs.event_type)
        self._described = theirs
        if speaks:
            self._speak()

    def _speak(self) -> None:
        theirs = self._described
        if theirs is None:
            return
        if theirs.port == 0 or theirs.direction in ("sendonly", "inactive") or theirs.host == "0.0.0.0":
            self.rtp.pause()
        else:
            self.rtp.start((theirs.host, theirs.port), theirs.codecs(self._phone.codecs)[0][1])

    def _up(self) -> None:
        if self.progress.enter(CallState.ACTIVE):
            if self.is_incoming and self._invite is not None and self._invite.body:
                self._speak()
            self.progress.tell()

    def _end(self, by: str, status: int | None = None, reason: str = "") -> None:
        if status is not None and self.status is None:
            self.status, self.reason = status, reason
        if self.progress.enter(CallState.ENDED):
            self.ended_by = by
            if self._given_up is not None:
                self._given_up.cancel()
            self.track.hush()
            self.rtp.close()
            self.progress.tell()

    def matches(self, request: SipMessage) -> bool:
        """The request belongs to this call."""
        if request.first("call-id") != self._call_id:
            return False
        if request.method == "CANCEL":
            return self._invite is not None and request.branch == self._invite.branch
        return parameters(request.first("to")).get("tag") == self._local_tag
