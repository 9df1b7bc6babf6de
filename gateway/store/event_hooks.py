"""Programs that are told what happens, as the owner has set them in the panel: on disk, used at once, audited.

They are no part of the shop, as the ways of alerts are none: what is secret here is in no export, and gone once
replaced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.clock import WallClock
from gateway.ids import new_id
from gateway.store.alert_ways import LONGEST_SECRET, SHORTEST_SECRET, is_visible, is_web_address
from gateway.store.audit import add_audit
from gateway.store.schema_alerts import event_hooks
from gateway.store.shop_document.shop_file import plain
from gateway.store.writer import Writer
from gateway.telephony.event_hooks import EventHook
from gateway.toml_document import TomlDocument

MOST_HOOKS = 5
LONGEST_NAME = 60
FIELDS = ("name", "url", "secret", "events", "panel")
"""What is set of one; the rest is ours."""


class StoredEventHooks:
    """The programs; `current` is an EventHooksView."""

    def __init__(self, writer: Writer, *, gateway_id: str, clock: WallClock) -> None:
        self._writer = writer
        self._gateway_id = gateway_id
        self._clock = clock
        self._hooks: tuple[EventHook, ...] = ()
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Take over what is stored."""
        self._hooks = await self._writer.write(stored_event_hooks)

    def current(self) -> Sequence[EventHook]:
        """The programs as they are now, the oldest first."""
        return self._hooks

    async def add(self, table: Mapping[str, object], *, by: str) -> EventHook:
        """Commit one more. Raises SettingsError that names what is wrong, and StoreError."""
        async with self._changing:
            document = TomlDocument("", "webhook")
            if len(self._hooks) >= MOST_HOOKS:
                document.problem((), f"{MOST_HOOKS} programs are told of what happens already.")
                document.finish()
            hook = replace(hook_of(table), id=new_id())
            await self._keep(hook, "webhook.added", by)
            self._hooks = (*self._hooks, hook)
            return hook

    async def change(self, hook_id: str, table: Mapping[str, object], *, by: str) -> EventHook | None:
        """Commit another value of one, all of it; without its secret it keeps the one that is known. None: no such.

        Raises SettingsError that names what is wrong, and StoreError.
        """
        async with self._changing:
            former = next((hook for hook in self._hooks if hook.id == hook_id), None)
            if former is None:
                return None
            hook = replace(hook_of(table, former.secret), id=hook_id)
            if hook != former:
                await self._keep(hook, "webhook.changed", by)
                self._hooks = tuple(hook if each.id == hook_id else each for each in self._hooks)
            return hook

    async def remove(self, hook_id: str, *, by: str) -> bool:
        """Tell that program nothing any more, and forget its secret; False: there is none. Raises StoreError."""
        async with self._changing:
            if all(hook.id != hook_id for hook in self._hooks):
                return False

            def remove(connection: Connection) -> None:
                connection.execute(delete(event_hooks).where(event_hooks.c.id == hook_id))
                self._audit(connection, hook_id, "webhook.removed", by)

            await self._writer.write(remove)
            self._hooks = tuple(hook for hook in self._hooks if hook.id != hook_id)
            return True

    async def _keep(self, hook: EventHook, action: str, by: str) -> None:
        document = {name: value for name, value in plain(hook).items() if name in FIELDS}
        statement = insert(event_hooks).values(id=hook.id, gateway_id=self._gateway_id, document=document)

        def keep(connection: Connection) -> None:
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"document": document}))
            self._audit(connection, hook.id, action, by)

        await self._writer.write(keep)

    def _audit(self, connection: Connection, hook_id: str, action: str, by: str) -> None:
        add_audit(
            connection, gateway_id=self._gateway_id, now=self._clock(), by=by, action=action, subject=hook_id,
            details={},
        )  # fmt: skip


def stored_event_hooks(connection: Connection) -> tuple[EventHook, ...]:
    """The programs as they are stored. What does not fit any more is left out."""
    found = []
    for row in connection.execute(select(event_hooks.c.id, event_hooks.c.document).order_by(event_hooks.c.id)):
        reader = TomlDocument("", "a stored webhook", passes_unknown_keys=True)
        hook: EventHook | None = reader.read(EventHook, row.document, ())
        if hook is not None:
            found.append(replace(hook, id=row.id))
    return tuple(found)


def hook_of(table: Mapping[str, object], known_secret: str | None = None) -> EventHook:
    """The program that a table describes, without an id. Raises SettingsError that names what is wrong."""
    given: dict[str, Any] = {key: value for key, value in table.items() if value is not None and key in FIELDS}
    given["secret"] = given.get("secret") or known_secret or ""
    document = TomlDocument("", "webhook")
    found: EventHook | None = document.read(EventHook, given, ())
    if found is not None:
        _check(document, found)
    document.finish()
    if found is None:
        raise AssertionError("a document that could not be read has errors to tell")
    return replace(found, events=tuple(sorted(set(found.events))))


def _check(document: TomlDocument, hook: EventHook) -> None:
    secret = hook.secret or ""
    if not hook.name.strip() or len(hook.name) > LONGEST_NAME or not hook.name.isprintable():
        document.problem((), f"The name must have 1 to {LONGEST_NAME} characters.")
    if not is_web_address(hook.url):
        document.problem((), 'The address must be like "https://example.net/simbridge".')
    if not SHORTEST_SECRET <= len(secret) <= LONGEST_SECRET or not is_visible(secret):
        document.problem(
            (), f"The secret must have {SHORTEST_SECRET} to {LONGEST_SECRET} Latin letters, digits or signs."
        )
    if hook.panel and (not is_web_address(hook.panel) or hook.panel.count("/") != 2):
        document.problem((), 'The panel\'s address must be like "https://simbridge.local:8080", without a path.')
    if not hook.events:
        document.problem((), "At least one event must be chosen.")
