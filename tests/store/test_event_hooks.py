"""Programs that are told what happens, on disk: used at once, kept over a restart, on record without a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.errors import SettingsError
from gateway.store.event_hooks import MOST_HOOKS, StoredEventHooks, hook_of
from gateway.store.schema_access import audit
from gateway.telephony.event_hooks import EventHook, Happening
from tests.fakes.direct_store import direct_store, memory_writer
from tests.store.conftest import HandClock

SECRET = "a-secret-that-is-shared"
TABLE: dict[str, Any] = {
    "name": "CRM", "url": "https://crm.example/hook?a=1", "secret": SECRET, "events": ["sms.received", "call.ended"],
    "panel": "https://simbridge.local:8080",
}  # fmt: skip


async def test_what_was_set_is_there_after_a_restart_and_on_record_without_its_value() -> None:
    clock, writer = HandClock(), memory_writer()
    first = StoredEventHooks(writer, gateway_id="g", clock=clock)
    await first.load()
    assert first.current() == ()
    crm = await first.add(TABLE, by="anna")
    other = await first.add(TABLE | {"name": "1C", "panel": ""}, by="anna")
    changed = await first.change(crm.id, TABLE | {"secret": None, "events": ["order.changed"]}, by="boris")
    assert changed == EventHook(
        id=crm.id, name="CRM", url=TABLE["url"], secret=SECRET, events=(Happening.ORDER_CHANGED,), panel=TABLE["panel"]
    )
    assert await first.change(crm.id, TABLE | {"events": ["order.changed"]}, by="boris") == changed
    assert await first.change("nobody", TABLE, by="boris") is None
    second = StoredEventHooks(writer, gateway_id="g", clock=clock)
    await second.load()
    assert second.current() == first.current() == (changed, other)
    assert await second.remove(other.id, by="boris")
    assert not await second.remove(other.id, by="boris")
    third = StoredEventHooks(writer, gateway_id="g", clock=clock)
    await third.load()
    assert third.current() == (changed,)
    rows = await writer.write(lambda connection: connection.execute(select(audit)).all())
    assert [(row.by, row.action, row.subject) for row in rows] == [
        ("anna", "webhook.added", crm.id), ("anna", "webhook.added", other.id),
        ("boris", "webhook.changed", crm.id), ("boris", "webhook.removed", other.id),
    ]  # fmt: skip
    assert [row.details for row in rows] == [{}] * 4
    assert SECRET not in repr(third.current())


async def test_a_secret_that_was_replaced_is_nowhere_any_more(tmp_path: Path) -> None:
    with direct_store(tmp_path) as store:
        hooks = StoredEventHooks(store.writer, gateway_id="g", clock=HandClock())
        hook = await hooks.add(TABLE, by="anna")
        await hooks.change(hook.id, TABLE | {"secret": "quite-another-secret"}, by="anna")
        for table in ("event_hooks", "audit", "shop_versions"):
            assert SECRET not in str(store.rows(f"SELECT * FROM {table}"))  # noqa: S608  # names of ours


async def test_there_are_not_more_than_the_runner_can_serve() -> None:
    hooks = StoredEventHooks(memory_writer(), gateway_id="g", clock=HandClock())
    for _ in range(MOST_HOOKS):
        await hooks.add(TABLE, by="anna")
    with pytest.raises(SettingsError, match="5 programs"):
        await hooks.add(TABLE, by="anna")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"url": "ftp://crm.example/"}, "address"),
        ({"url": "https://anna:secret@crm.example/"}, "address"),
        ({"secret": "short"}, "secret"),
        ({"secret": None}, "secret"),
        ({"events": []}, "event"),
        ({"events": ["call.ringing"]}, "call.started"),
        ({"events": "call.started"}, "list"),
        ({"panel": "simbridge.local"}, "panel"),
        ({"panel": "https://simbridge.local/calls"}, "panel"),
    ],
)
def test_what_cannot_be_is_named(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        hook_of(TABLE | changes)


def test_what_is_chosen_twice_is_chosen_once() -> None:
    assert hook_of(TABLE | {"events": ["call.ended"] * 2}).events == (Happening.CALL_ENDED,)
