"""Nothing to reach: say so, and end."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.destinations import Refuse
from gateway.telephony.flow import call_flow


@call_flow(Refuse)
async def refuse(call: Call, settings: Refuse) -> None:
    """Tell the caller why."""
    await call.refuse(settings.cause)
