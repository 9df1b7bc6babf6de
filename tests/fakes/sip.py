"""A SIP server with a small shop, no disk, and an exchange that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.clock import utc_now
from gateway.events import Event
from gateway.settings import SipSettings, TlsFiles
from gateway.sip.resolver import Names
from gateway.sip.server import SipServer
from gateway.telephony.leg import Leg
from gateway.telephony.mailboxes import Mailboxes
from gateway.telephony.shop import PhoneSettings, Shop
from tests.fakes.modem_ledgers import MemoryBudget

PASSWORD = "correct-horse-battery"


@dataclass
class MemoryBindings:
    """The ledger of registrations, in memory."""

    rows: dict[tuple[str, str], tuple[str, datetime, str]] = field(default_factory=dict)

    async def save(
        self, extension: str, contact: str, received_from: str, expires_at: datetime, user_agent: str
    ) -> None:
        self.rows[extension, contact] = (received_from, expires_at, user_agent)

    async def remove(self, extension: str, contact: str | None = None) -> None:
        for key in tuple(self.rows):
            if key[0] == extension and contact in (None, key[1]):
                del self.rows[key]

    async def load(self) -> list[tuple[str, str, str, datetime, str]]:
        now = datetime.now(UTC)
        return [(*key, *row) for key, row in self.rows.items() if row[1] > now]


@dataclass
class SipWorld:
    """A SipServer on loopback, and what it said. `on_leg` is the exchange: it gets each incoming leg."""

    on_leg: Callable[[Leg], None] = lambda leg: None
    bindings: MemoryBindings = field(default_factory=MemoryBindings)
    budget: MemoryBudget = field(default_factory=MemoryBudget)
    events: list[Event] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    extensions: tuple[str, ...] = ("101", "102", "103")
    port: int = 0
    rtp_ports: tuple[int, int] = (20000, 29999)
    host: str = "127.0.0.1"
    mailboxes: Mailboxes | None = None
    tls: TlsFiles | None = None
    """With it, TLS is listened for at a port that the system chooses."""

    def __post_init__(self) -> None:
        phones = tuple(
            PhoneSettings(extension=each, name=f"Phone {each}", password=PASSWORD) for each in self.extensions
        )
        self.shop = Shop(phones=phones)
        self.server = self.new_server()

    def new_server(self, *, names: Names | None = None, allow: tuple[str, ...] = ()) -> SipServer:
        """A server for this world, which looks up names in `names`, and hears those networks on the internet."""
        return SipServer(
            SipSettings(
                bind=(self.host,),
                port=self.port,
                rtp_ports=self.rtp_ports,
                tls_port=None if self.tls is None else 0,
                allow=allow,
            ),
            lambda: self.shop,
            self.events.append,
            self._incoming,
            bindings=self.bindings,
            budget=self.budget,
            clock=utc_now,
            names=names,
            tls=self.tls,
            mailboxes=self.mailboxes,
        )

    def _incoming(self, leg: Leg) -> None:
        self.legs.append(leg)
        self.on_leg(leg)


def answer_and_echo(leg: Leg) -> None:
    """An exchange that rings, answers at once, and lets the caller hear himself."""
    leg.ring()
    leg.answer()
    leg.port.hear(leg.port)
