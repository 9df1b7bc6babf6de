"""The smaller ledgers: PIN tries per SIM, and where phones are registered. Each verb returns after the commit."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.errors import StoreError
from gateway.ids import new_id
from gateway.store.schema import bindings, pin_tries
from gateway.store.writer import Writer

log = logging.getLogger(__name__)

TRIES_OF_A_PROVEN_PIN = 2
"""A SIM counts three wrong tries (3GPP TS 11.11 section 8.9); the last one is a person's."""


class StoredPinTries:
    """The PinTries of telephony.ledger (T-F13)."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    async def may_try(self, iccid: str, pin_digest: str) -> bool:
        """Commit the try; False when this PIN was tried on this SIM before and not found right.

        A PIN that was right once may be tried once more after a try whose outcome was lost in a
        crash. False as well when the try cannot be committed: it would not be remembered.
        """
        now = self._clock()

        def note(connection: Connection) -> bool:
            mine = (pin_tries.c.iccid == iccid) & (pin_tries.c.pin_digest == pin_digest)
            row = connection.execute(select(pin_tries).where(mine)).one_or_none()
            if row is None:
                connection.execute(
                    insert(pin_tries).values(
                        id=new_id(),
                        gateway_id=self._gateway_id,
                        iccid=iccid,
                        pin_digest=pin_digest,
                        tried_at=now,
                        unconfirmed=1,
                        was_right=False,
                    )
                )
                return True
            if row.unconfirmed >= (TRIES_OF_A_PROVEN_PIN if row.was_right else 1):
                return False
            connection.execute(
                update(pin_tries).where(mine).values(tried_at=now, unconfirmed=pin_tries.c.unconfirmed + 1)
            )
            return True

        try:
            return await self._writer.write(note)
        except StoreError:
            log.warning("The PIN of a SIM is not tried while the try cannot be remembered.")
            return False

    async def was_right(self, iccid: str) -> None:
        """The SIM accepted the PIN tried last: the next start may use it again."""

        def note(connection: Connection) -> None:
            last = (
                select(pin_tries.c.id)
                .where(pin_tries.c.iccid == iccid)
                .order_by(pin_tries.c.tried_at.desc(), pin_tries.c.id.desc())
                .limit(1)
            )
            connection.execute(
                update(pin_tries).where(pin_tries.c.id == last.scalar_subquery()).values(unconfirmed=0, was_right=True)
            )

        await self._writer.write_or_keep(note)


class StoredBindings:
    """The Bindings of telephony.ledger; phones go on registering while the disk is away."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock

    async def save(
        self, extension: str, contact: str, received_from: str, expires_at: datetime, user_agent: str
    ) -> None:
        """Commit a binding; the same extension and contact replaces the former."""
        statement = insert(bindings).values(
            id=new_id(),
            gateway_id=self._gateway_id,
            extension=extension,
            contact=contact,
            received_from=received_from,
            expires_at=expires_at,
            user_agent=user_agent,
        )
        new = statement.excluded
        replacing = statement.on_conflict_do_update(
            index_elements=["gateway_id", "extension", "contact"],
            set_={"received_from": new.received_from, "expires_at": new.expires_at, "user_agent": new.user_agent},
        )
        await self._writer.write_or_keep(lambda connection: connection.execute(replacing))

    async def remove(self, extension: str, contact: str | None = None) -> None:
        """Commit the removal of one binding, or of all of an extension."""
        which = bindings.c.extension == extension
        if contact is not None:
            which &= bindings.c.contact == contact
        await self._writer.write_or_keep(lambda connection: connection.execute(delete(bindings).where(which)))

    async def load(self) -> list[tuple[str, str, str, datetime, str]]:
        """All bindings that have not expired: (extension, contact, received_from, expires_at, user_agent).

        Those that have are removed.
        """
        now = self._clock()

        def read(connection: Connection) -> list[tuple[str, str, str, datetime, str]]:
            connection.execute(delete(bindings).where(bindings.c.expires_at <= now))
            columns = bindings.c
            rows = connection.execute(
                select(
                    columns.extension, columns.contact, columns.received_from, columns.expires_at, columns.user_agent
                ).order_by(columns.extension, columns.id)
            )
            return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]

        return await self._writer.write(read)
