"""Blocked numbers on disk; in memory too, so that no call waits for the disk."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, insert, or_, select

from gateway.clock import WallClock
from gateway.errors import NumberNotBlockable
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema_contacts import blocked_numbers
from gateway.store.writer import Writer
from gateway.telephony.blocked import BlockedNumber
from gateway.telephony.numbers import NumberPolicy
from gateway.telephony.shop import LineSettings, ShopView, TrunkSettings

MOST_BLOCKED = 5_000


class StoredBlocked:
    """The blocked numbers of the shop. `by` is who changes them. `block` and `unblock` may raise StoreError."""

    def __init__(self, writer: Writer, *, gateway_id: str, shop: ShopView, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._shop = shop
        self._clock = clock
        self._known: dict[str, BlockedNumber] = {}

    async def load(self) -> None:
        """Read them, also after somebody else has changed the rows."""
        self._known = {each.number: each for each in await self._writer.write(_read)}

    def is_blocked(self, number: str) -> bool:
        """The number, as a network spells it, is blocked now. Answers at once."""
        if not self._known:
            return False
        found = self._known.get(number) or self._known.get(self._normal(number) or "")
        return found is not None and found.holds(self._clock())

    def listed(self) -> list[BlockedNumber]:
        """Those that are blocked now, the newest first."""
        now = self._clock()
        there = (each for each in self._known.values() if each.holds(now))
        return sorted(there, key=lambda each: (each.at, each.number), reverse=True)

    async def block(self, number: str, *, by: str, why: str = "", days: int | None = None) -> BlockedNumber:
        """Block a number for so many days, or until it is unblocked; again: as is said last.

        Raises NumberNotBlockable for what is no number of people outside: the shop's, a courier's, one for help.
        """
        normal, now = self._require(number), self._clock()
        until = None if days is None else now + timedelta(days=days)
        blocked = BlockedNumber(number=normal, by=by, at=now, why=why, until=until)

        def keep(connection: Connection) -> None:
            is_over = blocked_numbers.c.until <= now
            connection.execute(delete(blocked_numbers).where(or_(blocked_numbers.c.number == normal, is_over)))
            connection.execute(
                insert(blocked_numbers).values(
                    id=new_id(), gateway_id=self._gateway_id, number=normal, by=by, at=now, why=why, until=until
                )
            )
            # The audit is never erased, a number may have to be: its last digits say which one it was.
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="number.blocked",
                subject=_ending(normal), details={"days": days},
            )  # fmt: skip

        await self._writer.write(keep)
        self._known = {key: each for key, each in self._known.items() if each.holds(now)} | {normal: blocked}
        return blocked

    async def unblock(self, number: str, *, by: str) -> bool:
        """Let the number through again; False: it was not blocked."""
        normal, now = self._normal(number) or number, self._clock()
        if normal not in self._known:
            return False

        def forget(connection: Connection) -> None:
            connection.execute(delete(blocked_numbers).where(blocked_numbers.c.number == normal))
            add_audit(
                connection, gateway_id=self._gateway_id, now=now, by=by, action="number.unblocked",
                subject=_ending(normal), details={},
            )  # fmt: skip

        await self._writer.write(forget)
        self._known.pop(normal, None)
        return True

    def _require(self, number: str) -> str:
        shop, normal = self._shop(), self._normal(number)
        if normal is None or not number.strip():
            raise NumberNotBlockable(f"{number[:40]!r} is no telephone number.")
        ways: tuple[LineSettings | TrunkSettings, ...] = (*shop.lines, *shop.trunks)
        own = {self._normal(each.number) for each in ways if each.number}
        if normal in own or shop.courier_by_mobile(normal) is not None:
            raise NumberNotBlockable(f"{normal} is a number of the shop or of a courier.")
        if len(self.listed()) >= MOST_BLOCKED and not self.is_blocked(normal):
            raise NumberNotBlockable(f"More than {MOST_BLOCKED} numbers cannot be blocked.")
        return normal

    def _normal(self, number: str) -> str | None:
        return NumberPolicy(self._shop().numbers).normalise(number)


def _read(connection: Connection) -> list[BlockedNumber]:
    return [
        BlockedNumber(number=row.number, by=row.by, at=row.at, why=row.why, until=row.until)
        for row in connection.execute(select(blocked_numbers))
    ]


def _ending(number: str) -> str:
    return "…" + number[-4:]
