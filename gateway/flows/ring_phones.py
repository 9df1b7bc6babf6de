"""Ring phones of the shop: an internal call, or a stranger who calls a SIM."""

from __future__ import annotations

from gateway.flows.to_courier import to_courier
from gateway.flows.to_outside import to_outside
from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import Receive, RingPhones, ToCourier, ToOutside
from gateway.telephony.flow import call_flow, flow_for
from gateway.telephony.forwarding import Forward, forward_after, mailbox_of, plan_ringing
from gateway.telephony.routing import forwarded
from gateway.telephony.voicemail import take_message


@call_flow(RingPhones)
async def ring_phones(call: Call, settings: RingPhones) -> None:
    """Ring them all; the first to answer talks. Where nobody does, the call goes where the phone forwards it.

    Of several phones those are left alone that pause, or rest after a call.
    """
    plan = plan_ringing(call.exchange.shop(), settings.extensions)
    why, forward = plan.cause, plan.forward
    is_group = len(settings.extensions) > 1
    rings = [each for each in plan.rings if not is_group or call.exchange.duty.is_free(each)]
    if rings:
        async with call.ringing(*call.phones(*rings)) as staff:
            agent = await staff.answered(within=min(plan.ring_seconds or settings.ring_seconds, settings.ring_seconds))
            why = staff.cause
        if agent is not None:
            await call.talk(agent)
            return
        forward = forward_after(call.exchange.shop(), staff.legs, why)
    mailbox = mailbox_of(call.exchange.shop(), settings.extensions)
    if forward is None and mailbox is not None and call.redirect is None:
        call.flow = "voicemail"
        call.is_routed_to(called=mailbox.extension, courier=None)
        await take_message(call, mailbox=mailbox.extension)
        await call.say("goodbye")
        call.caller.hangup(why)
    elif forward is None:
        await call.refuse(why)
    else:
        await follow_forward(call, forward, settings)


async def follow_forward(call: Call, forward: Forward, settings: RingPhones) -> None:
    """Go on as if the phone that forwards had dialled: its policy, its minutes. A circle ends the call."""
    passed = (*settings.forwarded_by, forward.by)
    call.payer = forward.by
    match forwarded(call.exchange.shop(), forward, passed):
        case RingPhones() as phones:
            call.is_routed_to(called=forward.target, courier=None)
            await ring_phones(call, phones)
        case ToCourier() as courier:
            call.is_routed_to(called=forward.target, courier=courier.courier.extension)
            await to_courier(call, courier)
        case ToOutside() as outside:
            call.is_routed_to(called=forward.target, courier=None)
            await to_outside(call, outside)
        case Receive() as queue:
            call.flow, received = flow_for(queue)
            call.is_routed_to(called=forward.target, courier=None)
            await received(call, queue)
        case _:
            await call.refuse(Cause.UNREACHABLE)
