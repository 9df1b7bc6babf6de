"""Tells what becomes of a call that is only thought of, destination by destination, as the flows would go.

Each decision is the flow's own pure function; what is told here is the order of things when nobody answers.
"""

from __future__ import annotations

import math
from zoneinfo import ZoneInfo

from gateway.telephony.call import COURIER_AWAY
from gateway.telephony.causes import Cause
from gateway.telephony.courier_ways import after_courier, has_app, holds_the_only_line
from gateway.telephony.destinations import (
    Announce,
    AskExtension,
    CourierMenu,
    Destination,
    ManagerFirst,
    Receive,
    Refuse,
    RingBack,
    RingPhones,
    TellOrderStatus,
    ToCourier,
    ToOutside,
)
from gateway.telephony.faults import cause_of_barred
from gateway.telephony.forwarding import Forward, forward_by_rules, mailbox_of, plan_ringing
from gateway.telephony.number_kind import NumberKind, kind_of_way
from gateway.telephony.numbers import Verdict
from gateway.telephony.prompts import BEEP
from gateway.telephony.queue_rules import Overflow, Strategy, overflow_due_in
from gateway.telephony.queues import own_prompt
from gateway.telephony.receiving import UNANSWERED_SECONDS, Manner, Received, received, when_closed
from gateway.telephony.reception import RING_SECONDS
from gateway.telephony.regular_way import before_the_usual_way
from gateway.telephony.route_outside import call_out, tell_verdict, ways_of_all, ways_of_courier
from gateway.telephony.route_steps import StepCode
from gateway.telephony.route_story import Story
from gateway.telephony.routing import forwarded
from gateway.telephony.russian_regions import Region
from gateway.telephony.schedule import Because
from gateway.telephony.shop import FollowMe
from gateway.telephony.staff import wish_of_newcomer
from gateway.telephony.voicemail import LONGEST_SECONDS as LONGEST_MESSAGE_SECONDS

ASK_SECONDS = 6.0
"""For the first key of an extension."""
KEY_SECONDS = 8.0
"""For the key that asks for a call when the shop opens."""
ORDER_KEY_SECONDS = 4.0
"""For the first digit of an order's number."""
LONGEST_OFFER_SECONDS = 60.0


def follow(story: Story, destination: Destination) -> None:
    """Tell it to its end."""
    match destination:
        case Receive() as settings:
            _receive(story, settings)
        case RingPhones() as phones:
            _ring_phones(story, phones)
        case ToCourier() as courier:
            _reach_courier(story, courier)
        case ManagerFirst(manager=manager, otherwise=otherwise):
            _reach_manager(story, manager)
            follow(story, otherwise)
        case AskExtension(usual=usual):
            story.say(StepCode.ASKED_FOR_EXTENSION, "enter-extension")
            story.seconds += ASK_SECONDS
            follow(story, usual)
        case TellOrderStatus(otherwise=otherwise):
            _ask_for_order(story)
            follow(story, otherwise)
        case ToOutside(text=text, ring_seconds=seconds):
            _call_outside(story, text, seconds)
        case Announce(key=key):
            story.tell(StepCode.SAYS, prompts=key, seconds=f"{story.seconds_of(key):.1f}")
            story.seconds += story.seconds_of(key)
            story.end(Cause.BUSY)
        case Refuse(cause=cause):
            story.refuse(cause)
        case RingBack():
            story.end(Cause.REJECTED)
        case CourierMenu():
            pass  # what follows is up to what the courier dials
        case _:
            story.tell(StepCode.FEATURE_CODE)


def _ask_for_order(story: Story) -> None:
    """No number of an order is dialled; on a toll-free number only a person answers (rule 9)."""
    if kind_of_way(story.shop, story.caller.line) is NumberKind.TOLL_FREE:
        return
    story.tell(StepCode.ORDER_STATUS)
    for _ in range(story.shop.order_status.tries):
        story.say(StepCode.SAYS, "status-enter-order")
        story.seconds += ORDER_KEY_SECONDS


# The reception.


def _receive(story: Story, settings: Receive) -> None:
    region = story.exchange.home_of(story.caller.peer) if settings.of_branches else None
    found = received(story.shop, story.caller.line, settings, region, story.now)
    _tell_branch(story, found, region)
    _tell_hours(story, found)
    match found.manner:
        case Manner.CLOSED:
            _closed(story, found)
        case Manner.AS_PHONES_SAY:
            _ring_phones(story, RingPhones(extensions=found.extensions, forwarded_by=found.passed))
        case Manner.RINGING:
            _ring_until_answered(story, found)
        case Manner.LADDER:
            _climb(story, found)


def _ring_until_answered(story: Story, found: Received) -> None:
    leaves_in = _overflow_in(story, found, may_answer=False)
    rung = _tell_staff(story, found, StepCode.RINGS_UNTIL_ANSWERED, min(UNANSWERED_SECONDS, leaves_in))
    story.seconds += min(UNANSWERED_SECONDS, leaves_in)
    _nobody_came(story, found, rung, overflows=leaves_in < UNANSWERED_SECONDS)


def _climb(story: Story, found: Received) -> None:
    rules, queue = story.shop.reception, found.rules
    leaves_at = story.seconds + _overflow_in(story, found, may_answer=True)
    quiet = min(rules.quiet_rings * RING_SECONDS, leaves_at - story.seconds)
    rung = _tell_staff(story, found, StepCode.RINGS, quiet)
    story.seconds += quiet
    if story.seconds < leaves_at:
        greeting = own_prompt("greeting", found.whose)
        story.say(StepCode.GREETING, greeting, most=min(rules.greeting_seconds, leaves_at - story.seconds))
    if story.seconds < leaves_at and rules.music_rings:
        music = min(rules.music_rings * RING_SECONDS, leaves_at - story.seconds)
        story.tell(StepCode.MUSIC, seconds=f"{music:.1f}")
        story.seconds += music
    if story.seconds < leaves_at:
        busy = own_prompt("all-busy", found.whose)
        keys = (busy, "press-1-call-back") if _can_promise(story) else (busy,)
        began, until = story.seconds, story.seconds + 60 * rules.patience_minutes
        story.say(StepCode.OFFER, *keys, most=min(LONGEST_OFFER_SECONDS, leaves_at - began))
        if queue.announce_seconds:
            story.tell(StepCode.QUEUE_NEWS, every=queue.announce_seconds)
        one_round = min(LONGEST_OFFER_SECONDS, sum(map(story.seconds_of, keys))) + rules.repeat_seconds
        over_at = min(began + one_round * math.ceil((until - began) / one_round), leaves_at)
        story.tell(StepCode.OFFERS_AGAIN, prompts=" ".join(keys), every=f"{one_round:.1f}", until=f"{over_at:.1f}")
        story.seconds = over_at
    _nobody_came(story, found, rung, overflows=story.seconds >= leaves_at)


def _nobody_came(story: Story, found: Received, rung: tuple[str, ...], *, overflows: bool) -> None:
    """The queue sends the caller elsewhere, or a phone that was rung alone does, or it is over."""
    if overflows:
        _lead_away(story, found)
        return
    cause = Cause.CANCELLED if story.rings_somewhere(rung) else Cause.UNREACHABLE
    forward = forward_by_rules(story.shop, rung, cause)
    if forward is not None:
        _forward(story, forward, RingPhones(extensions=found.extensions, forwarded_by=found.passed))
        return
    if story.is_answered:
        story.say(StepCode.SAYS, "no-free-line")
    story.end(Cause.NO_ANSWER)


def _tell_staff(story: Story, found: Received, code: StepCode, seconds: float) -> tuple[str, ...]:
    """Who rings from the first moment on; these are returned."""
    exchange, queue = story.exchange, found.rules
    order = exchange.duty.in_turn(found.rings, queue.strategy, found.queue)
    rung = exchange.line_up.would_ring(wish_of_newcomer(exchange, order, queue.strategy))
    if rung:
        story.tell(code, phones=" ".join(rung), seconds=f"{seconds:.1f}")
    else:
        story.tell(StepCode.NOBODY_TO_RING)
    story.tell_phones(found.extensions, rung)
    if queue.strategy is not Strategy.ALL:
        story.tell(StepCode.ONE_MORE_RINGS, every=queue.step_seconds)
    return rung


def _overflow_in(story: Story, found: Received, *, may_answer: bool) -> float:
    """In how many seconds the queue sends the caller elsewhere; infinite: it does not."""
    rules = found.rules
    due_in = overflow_due_in(rules, ahead=story.exchange.line_up.ahead(found.rings), may_answer=may_answer)
    if due_in is None or (rules.overflow is Overflow.CALL_BACK and not _can_promise(story)):
        return math.inf
    if rules.overflow is Overflow.PHONES:
        phones = story.exchange.phones
        wanted = (each for each in plan_ringing(story.shop, rules.overflow_phones).rings if each not in found.rings)
        more = tuple(filter(phones.is_reachable, wanted))
        if more:
            story.tell(StepCode.OVERFLOW_PHONES, phones=" ".join(more), after=f"{due_in:g}")
        return math.inf
    return due_in


def _lead_away(story: Story, found: Received) -> None:
    rules = found.rules
    story.tell(StepCode.OVERFLOW)
    match rules.overflow:
        case Overflow.VOICEMAIL:
            story.say(StepCode.SAYS, own_prompt("all-busy", found.whose))
            _take_message(story)
            story.say(StepCode.SAYS, "goodbye")
            story.end(Cause.HUNG_UP)
        case Overflow.CALL_BACK:
            story.say(StepCode.OVERFLOW_CALL_BACK, own_prompt("all-busy", found.whose), "we-will-call-you")
            story.end(Cause.HUNG_UP)
        case _:
            forward = Forward(by=found.extensions[0], target=rules.overflow_number)
            _forward(story, forward, RingPhones(extensions=found.extensions, forwarded_by=found.passed))


def _can_promise(story: Story) -> bool:
    return story.shop.reception.offers_call_back and story.exchange.promises.can_promise(story.caller.peer)


# Closed.


def _closed(story: Story, found: Received) -> None:
    exchange, rules = story.exchange, story.shop.reception
    can_promise = exchange.promises.can_promise(story.caller.peer)
    closed = when_closed(story.shop, story.caller.line, found, story.now, can_promise=can_promise)
    if closed.duty_phone is not None:
        story.tell(StepCode.DUTY, target=closed.duty_phone)
        _ring(story, (closed.duty_phone,), rules.night_seconds)
    elif closed.duty_number is not None:
        story.tell(StepCode.DUTY, target=closed.duty_number.digits)
        payer = found.extensions[0] if found.extensions else None
        ways = ways_of_all(story, payer)
        call_out(story, closed.duty_number, ways, payer=payer, seconds=rules.night_seconds)
    elif closed.duty_barred is not None:
        story.tell(StepCode.DUTY_BARRED, target=rules.night_to, reason=closed.duty_barred.reason)
    if not closed.is_answered:
        story.end(Cause.UNREACHABLE)
        return
    story.say(StepCode.SAYS_CLOSED, *closed.prompts)
    if closed.offers:
        story.tell(StepCode.WAITS_FOR_KEY, seconds=f"{KEY_SECONDS:g}")
        story.seconds += KEY_SECONDS
    if closed.takes_message:
        _take_message(story)
    story.say(StepCode.SAYS, "goodbye")
    story.end(Cause.HUNG_UP)


def _tell_branch(story: Story, found: Received, region: Region | None) -> None:
    """Where the caller is from, which branches are closed, and which one receives the call."""
    choice = found.choice
    if choice is None:
        return
    if region is not None:
        clock = story.now.astimezone(ZoneInfo(region.zone)).strftime("%H:%M")
        story.tell(
            StepCode.FROM_REGION, region=region.russian if story.language == "ru" else region.english, clock=clock
        )
    else:
        story.tell(StepCode.FROM_NOWHERE)
    for branch in choice.nearer:
        story.tell(StepCode.BRANCH_CLOSED, branch=branch.name)
    code = StepCode.BRANCH if choice.is_open else StepCode.BRANCH_FIRST_OPEN
    story.tell(code, branch=choice.branch.name)


def _tell_hours(story: Story, found: Received) -> None:
    opening, schedule = found.opening, found.schedule
    if opening.is_open and opening.until is None:
        story.tell(StepCode.OPEN_ALWAYS)
        return
    zone = ZoneInfo(schedule.time_zone)
    state = "open" if opening.is_open else "closed"
    name = schedule.on(story.now.astimezone(zone).date(), story.language).name
    story.tell(
        StepCode(f"{state}-{opening.reason}"),
        until=opening.until.astimezone(zone).strftime("%Y-%m-%d %H:%M") if opening.until is not None else "–",
        zone=schedule.time_zone,
        name=name if opening.reason is not Because.HOURS else "",
    )


# Phones.


def _ring_phones(story: Story, settings: RingPhones) -> None:
    plan = plan_ringing(story.shop, settings.extensions)
    why, forward = plan.cause, plan.forward
    if plan.rings:
        why = _ring(story, plan.rings, min(plan.ring_seconds or settings.ring_seconds, settings.ring_seconds))
        forward = forward_by_rules(story.shop, plan.rings, why)
    story.tell_phones((each for each in settings.extensions if each not in plan.rings), ())
    mailbox = mailbox_of(story.shop, settings.extensions)
    if forward is None and mailbox is not None:
        _take_message(story)
        story.say(StepCode.SAYS, "goodbye")
        story.end(why)
    elif forward is None:
        story.refuse(why)
    else:
        _forward(story, forward, settings)


def _forward(story: Story, forward: Forward, settings: RingPhones) -> None:
    story.payer = forward.by
    story.tell(StepCode.FORWARDED, phone=forward.by, target=forward.target)
    destination = forwarded(story.shop, forward, (*settings.forwarded_by, forward.by))
    if isinstance(destination, Refuse):
        story.tell(StepCode.FORWARDED_IN_CIRCLE)
    follow(story, destination)


def _ring(story: Story, extensions: tuple[str, ...], seconds: float, code: StepCode = StepCode.RINGS) -> Cause:
    """These phones ring at once; nobody answers. Why it comes to nothing."""
    is_there = story.rings_somewhere(extensions)
    story.tell(code, phones=" ".join(extensions), seconds=f"{seconds:.1f}")
    story.tell_phones(extensions, extensions)
    story.seconds += seconds if is_there else 0.0
    return Cause.NO_ANSWER if is_there else Cause.UNREACHABLE


def _take_message(story: Story) -> None:
    story.say(StepCode.SAYS, "leave-message", BEEP)
    story.tell(StepCode.TAKES_MESSAGE, seconds=f"{LONGEST_MESSAGE_SECONDS:g}")
    story.seconds += LONGEST_MESSAGE_SECONDS


# People.


def _reach_manager(story: Story, manager: str) -> None:
    for rung in before_the_usual_way(story.shop, manager):
        if rung.number is not None:
            tell_verdict(story, rung.number.digits, rung.number)
            call_out(story, rung.number, ways_of_all(story, manager), payer=manager, seconds=rung.seconds)
        else:
            _ring(story, rung.extensions, rung.seconds)


def _reach_courier(story: Story, settings: ToCourier) -> None:
    courier, exchange = settings.courier, story.exchange
    cause = Cause.UNREACHABLE
    if courier.on_shift:
        story.tell(StepCode.COURIER, courier=courier.extension, mobile=courier.mobile)
        ways = ways_of_courier(story, courier.lines, courier.operator)
        app = has_app(exchange, courier.extension, story.caller) and courier.follow is not FollowMe.MOBILE
        begins = story.seconds
        if app:
            both = courier.follow is FollowMe.BOTH
            seconds = courier.ring_seconds if both else courier.app_seconds
            _ring(story, (courier.extension,), seconds, StepCode.RINGS_OWN_APP)
            story.seconds = begins if both else story.seconds
        number = exchange.policy().check(courier.mobile)
        if isinstance(number, Verdict):
            tell_verdict(story, courier.mobile, number)
            story.refuse(cause_of_barred(number.reason))
            return
        cause = call_out(story, number, ways, payer=courier.extension, seconds=courier.ring_seconds)
        if app and courier.follow is FollowMe.BOTH:
            story.seconds, cause = begins + courier.ring_seconds, Cause.NO_ANSWER
    else:
        story.tell(StepCode.COURIER_OFF_SHIFT, courier=courier.extension)
    is_told = courier.on_shift and (
        courier.texts_missed or holds_the_only_line(story.shop, story.caller.line, settings, cause)
    )
    if is_told:
        story.tell(StepCode.COURIER_TOLD, courier=courier.extension)
    after = after_courier(story.shop, settings)
    if after is not None:
        follow(story, after)
    elif is_told and story.caller.line is not None:
        story.say(StepCode.SAYS, "courier-told")
        story.end(cause)
    else:
        story.refuse(cause, otherwise=COURIER_AWAY)


def _call_outside(story: Story, text: str, seconds: float) -> None:
    found = story.exchange.policy().check(text)
    tell_verdict(story, text, found)
    if isinstance(found, Verdict):
        story.refuse(cause_of_barred(found.reason))
    elif not found.emergency:
        ways = ways_of_all(story, story.payer)
        story.refuse(call_out(story, found, ways, payer=story.payer, seconds=seconds))
