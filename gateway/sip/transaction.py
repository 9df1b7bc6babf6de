"""Transactions: the four machines of RFC 3261 section 17 with the corrections of RFC 6026.

One table keyed by branch, sent-by and method. A transaction repeats what the wire may lose, absorbs
what the peer repeats, and shows its user each event once. Every state but the first of a server has
a deadline, so nothing stays in the table.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from gateway.sip.message import Headers, Request, Response, serialise
from gateway.sip.transport import Flow

log = logging.getLogger(__name__)

T1_SECONDS = 0.5
T2_SECONDS = 4.0
T4_SECONDS = 5.0
LONGEST_SECONDS = 64 * T1_SECONDS
"""RFC 3261 table 4: timers B, D, F, H, J, L and M on an unreliable transport."""

OnResponse: TypeAlias = Callable[[Response], None]
OnAck: TypeAlias = Callable[[Request, Flow], None]
Key: TypeAlias = tuple[str, str, str]


class State(StrEnum):
    """The states of figures 5 to 8 of RFC 3261 and of RFC 6026 section 7."""

    CALLING = "calling"
    TRYING = "trying"
    PROCEEDING = "proceeding"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    GIVEN_UP = "given-up"
    """Of ours, after RFC 3261: an INVITE without a final response is waited for no more, but one may come yet."""
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class _Transaction:
    """What the four machines share: timers, and the place in the table."""

    def __init__(self, table: dict[Key, _Transaction], key: Key, flow: Flow, state: State) -> None:
        self.flow = flow
        self.state = state
        self.was_repeated = False
        """What was sent was sent once more: the wire, or an answer, may have been lost."""
        self._table = table
        self._key = key
        self._timers: list[asyncio.TimerHandle] = []
        table[key] = self

    def _enter(self, state: State) -> None:
        """The next state; the timers of the former one stop."""
        self.state = state
        self._stop_timers()
        if state is State.TERMINATED and self._table.get(self._key) is self:
            del self._table[self._key]

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if not timer.cancelled()]
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))

    def _terminate_after(self, seconds: float) -> None:
        if self.flow.reliable:
            self._enter(State.TERMINATED)
        else:
            self._after(seconds, lambda: self._enter(State.TERMINATED))

    def _repeat(self, data: bytes, interval: float, longest: float) -> None:
        """Send `data` again and again, each interval twice the one before, up to `longest`."""

        def again() -> None:
            self.was_repeated = True
            self.flow.send(data)
            self._repeat(data, min(2 * interval, longest), longest)

        if not self.flow.reliable:
            self._after(interval, again)

    def abandon(self) -> None:
        """Forget the transaction without another word on the wire (shutdown)."""
        self._enter(State.TERMINATED)


class ServerTransaction(_Transaction):
    """The answering side of one request, INVITE or not."""

    def __init__(self, table: dict[Key, _Transaction], key: Key, request: Request, flow: Flow) -> None:
        super().__init__(table, key, flow, State.PROCEEDING if request.method == "INVITE" else State.TRYING)
        self.request = request
        self.on_ack: OnAck = lambda _request, _flow: None
        """For an INVITE that was answered 2xx: its ACK, each time it comes (RFC 6026 section 7.1)."""
        self._last = b""

    def respond(self, response: Response) -> None:
        """Send a response. After a final one, later ones are dropped; a 2xx to INVITE may be repeated."""
        invite = self.request.method == "INVITE"
        accepted_again = invite and self.state is State.ACCEPTED and 200 <= response.status < 300
        if self.state not in (State.PROCEEDING, State.TRYING) and not accepted_again:
            return
        self._last = serialise(response)
        self.flow.send(self._last)
        if response.status < 200:
            self.state = State.PROCEEDING
        elif accepted_again:
            return
        elif invite and response.status < 300:
            self._enter(State.ACCEPTED)
            self._after(LONGEST_SECONDS, lambda: self._enter(State.TERMINATED))  # timer L
        elif invite:
            self._enter(State.COMPLETED)
            self._repeat(self._last, T1_SECONDS, T2_SECONDS)  # timer G
            self._after(LONGEST_SECONDS, lambda: self._enter(State.TERMINATED))  # timer H
        else:
            self._enter(State.COMPLETED)
            self._terminate_after(LONGEST_SECONDS)  # timer J

    def receive(self, request: Request, flow: Flow) -> None:
        """The same request again, or the ACK of an INVITE."""
        if request.method != "ACK":
            # In ACCEPTED the one who answered repeats the 2xx (RFC 6026 section 7.1).
            if self._last and self.state in (State.PROCEEDING, State.COMPLETED):
                self.flow.send(self._last)
        elif self.state is State.ACCEPTED:
            self.on_ack(request, flow)
        elif self.state is State.COMPLETED:
            self._enter(State.CONFIRMED)
            self._terminate_after(T4_SECONDS)  # timer I


class ClientTransaction(_Transaction):
    """The asking side of one request, INVITE or not. Silence ends as a 408 of our own (RFC 3261 section 8.1.3.1)."""

    def __init__(
        self,
        table: dict[Key, _Transaction],
        key: Key,
        request: Request,
        flow: Flow,
        on_response: OnResponse,
        *,
        patience_seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._invite = request.method == "INVITE"
        super().__init__(table, key, flow, State.CALLING if self._invite else State.TRYING)
        self.request = request
        self._on_response = on_response
        self._data = serialise(request)
        self._patience_seconds = patience_seconds

    def start(self) -> None:
        """Send the request."""
        self.flow.send(self._data)
        self._repeat(self._data, T1_SECONDS, LONGEST_SECONDS if self._invite else T2_SECONDS)  # timers A and E
        self._after(self._patience_seconds, self._give_up)  # timers B and F

    def receive(self, response: Response) -> None:
        """A response to the request."""
        match self.state:
            case State.CALLING | State.TRYING | State.PROCEEDING:
                self._receive_first(response)
            case State.ACCEPTED | State.COMPLETED | State.GIVEN_UP if self._invite and 200 <= response.status < 300:
                self._on_response(response)  # of a fork, or late: somebody has to acknowledge and end it
            case State.COMPLETED | State.GIVEN_UP if self._invite and response.status >= 300:
                self._acknowledge(response)
            case State.GIVEN_UP:
                self._on_response(response)
            case _:
                pass

    def _receive_first(self, response: Response) -> None:
        if response.status < 200:
            if self._invite and self.state is State.CALLING:
                self._enter(State.PROCEEDING)  # no deadline here: the caller's patience ends it, by CANCEL
            self.state = State.PROCEEDING
        elif not self._invite:
            self._enter(State.COMPLETED)
            self._terminate_after(T4_SECONDS)  # timer K
        elif response.status < 300:
            self._enter(State.ACCEPTED)
            self._after(LONGEST_SECONDS, lambda: self._enter(State.TERMINATED))  # timer M
        else:
            self._enter(State.COMPLETED)
            self._acknowledge(response)
            self._terminate_after(LONGEST_SECONDS)  # timer D
        self._on_response(response)

    def expect_end_within(self, seconds: float) -> None:
        """After a CANCEL: give up when no final response comes (RFC 3261 section 9.1)."""
        if self.state in (State.CALLING, State.PROCEEDING):
            self._after(seconds, self._give_up)
        elif self.state is State.GIVEN_UP:
            self._linger(seconds)

    def _give_up(self) -> None:
        if self._invite:
            self._linger(LONGEST_SECONDS)
        else:
            self._enter(State.TERMINATED)
        self._on_response(answer_to(self.request, 408, "Request Timeout"))

    def _linger(self, seconds: float) -> None:
        """A 2xx that comes late must be acknowledged and ended: the peer believes in a call (section 13.2.2.4)."""
        self._enter(State.GIVEN_UP)
        self._after(seconds, lambda: self._enter(State.TERMINATED))

    def _acknowledge(self, response: Response) -> None:
        """The ACK of a final response that is not 2xx belongs to the transaction (RFC 3261 section 17.1.1.3)."""
        headers = Headers([("Via", self.request.headers.values("Via")[0])])
        for route in self.request.headers.all("Route"):
            headers.add("Route", route)
        headers.add("Max-Forwards", "70")
        headers.add("From", self.request.headers.get("From") or "")
        headers.add("To", response.headers.get("To") or "")
        headers.add("Call-ID", self.request.call_id)
        headers.add("CSeq", f"{self.request.cseq.number} ACK")
        self.flow.send(serialise(Request(headers, method="ACK", uri=self.request.uri)))


class Transactions:
    """All running transactions."""

    def __init__(self) -> None:
        self._servers: dict[Key, _Transaction] = {}
        self._clients: dict[Key, _Transaction] = {}

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def find_server(self, request: Request) -> ServerTransaction | None:
        """The transaction that this request, its repetition or its ACK belongs to (RFC 3261 section 17.2.3)."""
        found = self._servers.get(_server_key(request, "INVITE" if request.method == "ACK" else request.method))
        return found if isinstance(found, ServerTransaction) else None

    def find_cancelled(self, cancel: Request) -> ServerTransaction | None:
        """The INVITE that a CANCEL is for (RFC 3261 section 9.2)."""
        found = self._servers.get(_server_key(cancel, "INVITE"))
        return found if isinstance(found, ServerTransaction) else None

    def serve(self, request: Request, flow: Flow) -> ServerTransaction:
        """A new transaction for a request that has none; `flow` is where its answers go."""
        return ServerTransaction(self._servers, _server_key(request, request.method), request, flow)

    def ask(
        self, request: Request, flow: Flow, on_response: OnResponse, *, patience_seconds: float = LONGEST_SECONDS
    ) -> ClientTransaction:
        """Send a request; `on_response` gets each response, and in the end always a final one.

        To an INVITE it gets each 2xx, repetitions too (its ACK was lost), until 32 s after the final response; after
        a 408 of our own making also a provisional one: the request was only late.
        """
        key = (request.via.branch or "", "", request.method)
        transaction = ClientTransaction(
            self._clients, key, request, flow, on_response, patience_seconds=patience_seconds
        )
        transaction.start()
        return transaction

    def receive_response(self, response: Response) -> None:
        """Give a response to its transaction; one that belongs to none is dropped (RFC 6026 section 8.9)."""
        found = self._clients.get((response.via.branch or "", "", response.cseq.method))
        if isinstance(found, ClientTransaction):
            found.receive(response)
        else:
            log.debug("A response belongs to no transaction: %s %s", response.status, response.cseq)

    def abandon_all(self) -> None:
        """Forget everything at once (shutdown)."""
        for transaction in (*self._servers.values(), *self._clients.values()):
            transaction.abandon()


def new_branch() -> str:
    """A branch that nobody guesses (RFC 3261 section 8.1.1.7)."""
    return f"z9hG4bK{secrets.token_hex(12)}"


def new_tag() -> str:
    """A dialog tag that nobody guesses (RFC 3261 section 19.3)."""
    return secrets.token_hex(8)


def answer_to(request: Request, status: int, reason: str, *, tag: str | None = None) -> Response:
    """A response with the fields that every response copies (RFC 3261 section 8.2.6.2).

    `tag` is added to a To that has none.
    """
    headers = Headers()
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        for value in request.headers.all(name):
            headers.add(name, value)
    if tag is not None and request.recipient.tag is None:
        headers.set("To", request.recipient.with_parameter("tag", tag))
    if status == 100:
        for value in request.headers.all("Timestamp"):
            headers.add("Timestamp", value)
    return Response(headers, status=status, reason=reason)


def _server_key(request: Request, method: str) -> Key:
    via = request.via
    sent_by = f"{via.host.lower()}:{via.port or 5060}"
    # Some phones count their branches from one at each start: Call-ID and number keep two calls apart. They
    # are also what names a request of RFC 2543, which has no branch (RFC 3261 section 17.2.3).
    return f"{via.branch or request.sender.tag} {request.cseq.number} {request.call_id}", sent_by, method
