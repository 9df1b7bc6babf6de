"""Programs that are told what happens, as a test sets them, without a disk; a test of one comes to what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.api.event_hook_routes import EventHookDesk
from gateway.messaging.alert_trial import Tried
from gateway.store.event_hooks import hook_of
from gateway.telephony.event_hooks import EventHook


class FakeEventHooks:
    """`answer` is what a test of any program comes to."""

    def __init__(self) -> None:
        self.hooks: list[EventHook] = []
        self.answer = Tried(place="crm.example")
        self.changed_by: list[str] = []

    @property
    def desk(self) -> EventHookDesk:
        return EventHookDesk(kept=self, in_use=lambda: self.hooks, try_out=self.try_out)

    async def add(self, table: Mapping[str, object], *, by: str) -> EventHook:
        hook = replace(hook_of(table), id=f"h{len(self.hooks) + 1}")
        self.hooks.append(hook)
        self.changed_by.append(by)
        return hook

    async def change(self, hook_id: str, table: Mapping[str, object], *, by: str) -> EventHook | None:
        for place, former in enumerate(self.hooks):
            if former.id == hook_id:
                self.hooks[place] = replace(hook_of(table, former.secret), id=hook_id)
                self.changed_by.append(by)
                return self.hooks[place]
        return None

    async def remove(self, hook_id: str, *, by: str) -> bool:
        left = [hook for hook in self.hooks if hook.id != hook_id]
        is_there = len(left) < len(self.hooks)
        self.hooks = left
        self.changed_by += [by] if is_there else []
        return is_there

    async def try_out(self, hook_id: str) -> Tried | None:
        return self.answer if any(hook.id == hook_id for hook in self.hooks) else None
