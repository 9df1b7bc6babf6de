"""Nothing to reach: say so, and end."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.flow import call_flow
from gateway.telephony.routing import Refuse


@call_flow(Refuse)
async def refuse(call: Call, settings: Refuse) -> None:
    """Tell the caller why."""
    await call.refuse(settings.cause)
