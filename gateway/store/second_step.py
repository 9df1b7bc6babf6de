"""The second step at sign-in: codes by the clock from a person's phone (RFC 6238), and spare codes for a lost one.

A code opens once, and wrong ones are counted on disk before a code is looked at, so that no restart forgets. What is
live is also in memory: it is decided there, without a wait, so that two tries at once cannot both take one code.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import Connection, Delete, Row, Table, delete, insert, select, update

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.store.audit import add_audit
from gateway.store.schema_access import recovery_codes, second_step_roles, second_steps
from gateway.store.unsynced import Since
from gateway.store.writer import Writer

PERIOD_SECONDS = 30
DIGITS = 6
MOST_GUESSES = 10
"""A million codes of which three are good at a time: guessing one takes three hundred years."""
GUESSING_TIME = timedelta(days=1)
RECOVERY_CODES = 10
OFFER_LIFE = timedelta(minutes=15)
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedStep:
    """What a person's phone needs to make codes, told until the first code proves that it has it."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    """As phones read it from a QR code: `otpauth://totp/...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecondStep:
    """A person's second step. `last_step` is the interval of the last code that opened; `spare` are digests."""

    user_id: str
    secret: str = field(repr=False)
    since: datetime
    last_step: int
    guesses: int = 0
    guessing_since: datetime | None = None
    spare: frozenset[str] = frozenset()


class StoredSecondSteps:
    """Everybody's. `read` first; a person is always the key of the user, `by` the name of who wants it."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._steps: dict[str, StoredSecondStep] = {}
        self._offers: dict[str, tuple[datetime, OfferedStep]] = {}
        self._roles: frozenset[str] = frozenset()

    def read(self, connection: Connection) -> None:
        """Take what is stored."""
        self._steps = {step.user_id: step for step in stored_steps(connection)}
        self._roles = frozenset(connection.execute(select(second_step_roles.c.role)).scalars())

    def keep_only(self, user_ids: Collection[str]) -> None:
        """Another process (the command line) has switched it off for everybody else."""
        self._steps = {user_id: step for user_id, step in self._steps.items() if user_id in user_ids}

    def clock_was_set(self, since: Since) -> None:
        """Who has to wait after wrong codes waits no longer, and no shorter."""
        self._offers = {user_id: (end + since.by, offered) for user_id, (end, offered) in self._offers.items()}
        self._steps = {
            user_id: replace(step, guessing_since=step.guessing_since + since.by)
            if step.guessing_since is not None and since.has(step.guessing_since)
            else step
            for user_id, step in self._steps.items()
        }

    def of(self, user_id: str) -> StoredSecondStep | None:
        """That person's; None: off."""
        return self._steps.get(user_id)

    def is_on(self, user_id: str) -> bool:
        """A code is asked after that person's password."""
        return user_id in self._steps

    @property
    def roles(self) -> frozenset[str]:
        """Who may do nothing until it is on."""
        return self._roles

    async def require_for(self, roles: frozenset[str], *, by: str) -> None:
        """Say which roles need it from now on. Raises StoreError."""
        now = self._clock()

        def keep(connection: Connection) -> None:
            connection.execute(delete(second_step_roles))
            for role in sorted(roles):
                connection.execute(
                    insert(second_step_roles).values(id=new_id(), gateway_id=self._gateway_id, role=role)
                )
            self._note(connection, now, by, "second-step.required", ", ".join(sorted(roles)))

        await self._writer.write(keep)
        self._roles = roles

    def offer(self, user_id: str, *, name: str, shop: str) -> OfferedStep:
        """A new secret, which is worth nothing before `confirm`. `name` and `shop` are how the phone shows it."""
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=shop or "simbridge")
        offered = OfferedStep(secret=secret, uri=uri)
        now = self._clock()
        self._offers = {each: (end, made) for each, (end, made) in self._offers.items() if now < end}
        self._offers[user_id] = (now + OFFER_LIFE, offered)
        return offered

    async def confirm(self, user_id: str, code: str, *, by: str) -> list[str] | None:
        """Switch it on when the code is of the offered secret: spare codes, told once. None: it is not.

        Raises StoreError.
        """
        now = self._clock()
        end, offered = self._offers.get(user_id, (now, None))
        step = matching_step(offered.secret, code, now, after=0) if offered is not None and now < end else None
        if offered is None or step is None:
            return None
        spare = _new_codes()
        row = StoredSecondStep(
            user_id=user_id, secret=offered.secret, since=now, last_step=step, spare=frozenset(map(_digest, spare))
        )

        def begin(connection: Connection) -> None:
            forget_step(connection, user_id)
            connection.execute(
                insert(second_steps).values(
                    id=new_id(), gateway_id=self._gateway_id, user_id=user_id, secret=row.secret, since=now,
                    last_step=step, guesses=0, guessing_since=None,
                )
            )  # fmt: skip
            self._add_spare(connection, row)
            self._note(connection, now, by, "second-step.on", by)

        await self._writer.write(begin)
        self._offers.pop(user_id, None)
        self._steps[user_id] = row
        return spare

    async def renew_spare(self, user_id: str, *, by: str) -> list[str] | None:
        """Other spare codes, told once; the former ones are worth nothing. None: it is off. Raises StoreError."""
        row = self._steps.get(user_id)
        if row is None:
            return None
        spare = _new_codes()
        renewed = replace(row, spare=frozenset(map(_digest, spare)))
        now = self._clock()

        def renew(connection: Connection) -> None:
            connection.execute(_of(recovery_codes, user_id))
            self._add_spare(connection, renewed)
            self._note(connection, now, by, "recovery-codes.renewed", by)

        await self._writer.write(renew)
        if user_id in self._steps:  # it may have been switched off meanwhile
            self._steps[user_id] = replace(self._steps[user_id], spare=renewed.spare)
        return spare

    async def switch_off(self, user_id: str, *, by: str, whose: str) -> bool:
        """Ask that person for no code any more; False: none was asked for."""
        if self._steps.pop(user_id, None) is None:
            return False
        now = self._clock()

        def end(connection: Connection) -> None:
            forget_step(connection, user_id)
            self._note(connection, now, by, "second-step.off", whose)

        await self._writer.write_or_keep(end)
        return True

    def wait_seconds(self, user_id: str) -> int:
        """How long no code of the phone is looked at, since too many were wrong; 0: it is. Spare codes always are."""
        row = self._steps.get(user_id)
        if row is None or row.guesses < MOST_GUESSES or row.guessing_since is None:
            return 0
        left = (row.guessing_since + GUESSING_TIME - self._clock()).total_seconds()
        return int(left) + 1 if left > 0 else 0

    async def is_right(self, user_id: str, code: str, *, name: str) -> bool:
        """Whether the code opens, now and never again; a wrong one is counted on disk before this says so."""
        row = self._steps.get(user_id)
        if row is None:
            return False
        if not is_phone_code(code):
            return await self._is_spare(row, code, name)
        if self.wait_seconds(user_id):
            return False
        now = self._clock()
        # Counted at once, before the first await: many tries at a time are as many guesses.
        is_fresh = row.guessing_since is None or now - row.guessing_since >= GUESSING_TIME
        counted = replace(
            row, guesses=1 if is_fresh else row.guesses + 1, guessing_since=now if is_fresh else row.guessing_since
        )
        step = matching_step(row.secret, code, now, after=row.last_step)
        kept = counted if step is None else replace(row, last_step=step, guesses=0, guessing_since=None)
        self._steps[user_id] = kept
        values = {"last_step": kept.last_step, "guesses": kept.guesses, "guessing_since": kept.guessing_since}
        change = update(second_steps).where(second_steps.c.user_id == user_id).values(values)
        await self._writer.write_or_keep(lambda connection: connection.execute(change))
        return step is not None

    async def _is_spare(self, row: StoredSecondStep, code: str, name: str) -> bool:
        digest = _digest(code)
        if digest not in row.spare:
            return False
        self._steps[row.user_id] = replace(row, spare=row.spare - {digest}, guesses=0, guessing_since=None)
        now = self._clock()

        def use(connection: Connection) -> None:
            connection.execute(
                update(recovery_codes)
                .where(recovery_codes.c.user_id == row.user_id, recovery_codes.c.digest == digest)
                .values(used_at=now)
            )
            connection.execute(
                update(second_steps).where(second_steps.c.user_id == row.user_id).values(guesses=0, guessing_since=None)
            )
            self._note(connection, now, name, "recovery-code.used", name)

        await self._writer.write_or_keep(use)
        return True

    def _add_spare(self, connection: Connection, row: StoredSecondStep) -> None:
        for digest in sorted(row.spare):
            connection.execute(
                insert(recovery_codes).values(
                    id=new_id(), gateway_id=self._gateway_id, user_id=row.user_id, digest=digest
                )
            )

    def _note(self, connection: Connection, now: datetime, by: str, action: str, subject: str) -> None:
        add_audit(connection, gateway_id=self._gateway_id, now=now, by=by, action=action, subject=subject, details={})


def stored_steps(connection: Connection) -> Iterable[StoredSecondStep]:
    """Everybody's, as they are on disk."""
    spare: dict[str, set[str]] = {}
    for row in connection.execute(select(recovery_codes).where(recovery_codes.c.used_at.is_(None))):
        spare.setdefault(row.user_id, set()).add(row.digest)
    return [_step_of(row, spare) for row in connection.execute(select(second_steps))]


def stored_ids(connection: Connection) -> frozenset[str]:
    """The keys of those who have it on."""
    return frozenset(connection.execute(select(second_steps.c.user_id)).scalars())


def is_phone_code(code: str) -> bool:
    """Digits as a phone shows them, whatever was typed between them."""
    return re.fullmatch(r"[0-9]{6}", _plain(code)) is not None


def matching_step(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The interval of which the code is, when it is later than `after`; None: it is no good one.

    One interval before and after the present one are good too, for clocks that differ (RFC 6238 section 5.2).
    """
    made, typed = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD_SECONDS), _plain(code).encode()
    present = int(now.timestamp()) // PERIOD_SECONDS
    for step in (present - 1, present, present + 1):
        if hmac.compare_digest(made.generate_otp(max(step, 0)).encode(), typed) and step > after:
            return step
    return None


def forget_step(connection: Connection, user_id: str) -> bool:
    """Forget a person's secret and spare codes; False: there are none."""
    connection.execute(_of(recovery_codes, user_id))
    return connection.execute(_of(second_steps, user_id)).rowcount > 0


def _step_of(row: Row[tuple[object, ...]], spare: dict[str, set[str]]) -> StoredSecondStep:
    return StoredSecondStep(
        user_id=row.user_id, secret=row.secret, since=row.since, last_step=row.last_step, guesses=row.guesses,
        guessing_since=row.guessing_since, spare=frozenset(spare.get(row.user_id, ())),
    )  # fmt: skip


def _of(table: Table, user_id: str) -> Delete:
    return delete(table).where(table.c.user_id == user_id)


def _new_codes() -> list[str]:
    """Three groups of five, 74 bits each: their SHA-256 is enough."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3)) for _ in range(RECOVERY_CODES)
    ]


def _digest(code: str) -> str:
    return hashlib.sha256(_plain(code).encode()).hexdigest()


def _plain(code: str) -> str:
    """As typed, without what people put in between."""
    return re.sub(r"[\s-]", "", code).upper()
