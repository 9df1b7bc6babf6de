"""The guard of toll-free numbers as the store keeps it, in a database that is nowhere but in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.events import CallEnded, EventBus
from gateway.store.toll_free import StoredTollFree
from gateway.telephony.shop import ShopView
from tests.fakes.direct_store import memory_writer


def toll_free_in_memory(shop: ShopView) -> StoredTollFree:
    """A guard that has counted nothing yet."""
    return StoredTollFree(
        memory_writer(), gateway_id="g", shop=shop, clock=lambda: datetime.now(UTC), publish=lambda _event: None
    )


async def short_calls(guard: StoredTollFree, way: str, caller: str, count: int = 5) -> None:
    """Somebody calls and rings off at once, so often."""
    bus = EventBus()
    forget = bus.subscribe(guard)
    for number in range(count):
        call_id = f"{caller}-{number}"
        await guard.admit(call_id, way, caller, leg_id=call_id, is_known=False)
        bus.publish(
            CallEnded(call_id=call_id, cause="cancelled", ended_by="caller", talk_seconds=0.0, total_seconds=0.1)
        )
    forget()
