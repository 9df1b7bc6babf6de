"""The part of the route test that leads outside: may the number be called, by which way, seen as what, at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from gateway.telephony.causes import NEXT_WAY, Cause
from gateway.telephony.faults import cause_of_fault
from gateway.telephony.line import Line, Trunk
from gateway.telephony.numbers import Dialable, Verdict
from gateway.telephony.presented import ShownBy, presented
from gateway.telephony.route_steps import StepCode
from gateway.telephony.route_story import Story
from gateway.telephony.shop import PBX_PREFIX
from gateway.telephony.tariffs import tariff_for
from gateway.telephony.ways import PassedOver, line_passed_over, trunk_passed_over


def tell_verdict(story: Story, text: str, found: Dialable | Verdict) -> None:
    """Whether that number may be called, and why not."""
    if isinstance(found, Verdict):
        story.tell(StepCode.NUMBER_BARRED, number=found.number or text, reason=found.reason)
    elif found.emergency:
        story.tell(StepCode.EMERGENCY, number=found.digits)
    else:
        story.tell(StepCode.NUMBER_PASSES, number=found.digits)


def ways_of_all(story: Story, payer: str | None) -> list[Trunk | Line]:
    """The ways to a number outside that a call would try, in order; those that it passes over are told."""
    exchange, own = story.exchange, story.caller.line
    account = exchange.pbx_accounts.get(f"{PBX_PREFIX}{payer}")
    for trunk in (*(() if account is None else (account,)), *exchange.trunks.values()):
        _tell_passed(story, trunk.name, trunk_passed_over(trunk, besides=own))
    _tell_lines(story, tuple(exchange.lines))
    trunks: Iterator[Trunk | Line] = exchange.usable_trunks(payer=payer, besides=own)
    return list(chain(trunks, exchange.free_lines((), besides=own)))


def ways_of_courier(story: Story, names: tuple[str, ...], operator: str | None) -> list[Line]:
    """The lines that a call to a courier's mobile would try, in order; those that it passes over are told."""
    _tell_lines(story, names or tuple(story.exchange.lines))
    return list(story.exchange.free_lines(names, besides=story.caller.line, operator=operator))


def call_out(
    story: Story, number: Dialable, ways: list[Line] | list[Trunk | Line], *, payer: str | None, seconds: float
) -> Cause:
    """Dial it by the first way that the budget lets; nobody answers. Why it comes to nothing."""
    cause = Cause.NO_FREE_LINE
    for place, way in enumerate(ways):
        refusal = story.exchange.refusal_of(way=way.name, extension=payer, number=number.digits, at=story.now)
        if refusal is None:
            story.tell(StepCode.CALLS_OUT, way=way.name, number=number.digits, seconds=f"{seconds:g}")
            _tell_price(story, way.name, number.digits, payer)
            for later in ways[place + 1 :]:
                story.tell(StepCode.WAY_NEXT, way=later.name)
            story.seconds += seconds
            return Cause.NO_ANSWER
        story.tell(StepCode.WAY_REFUSED, way=way.name, number=number.digits, error=refusal.code)
        cause = cause_of_fault(refusal)
        if cause not in NEXT_WAY:
            break
    return cause


def _tell_lines(story: Story, names: tuple[str, ...]) -> None:
    for name in names:
        line = story.exchange.lines.get(name)
        if line is not None:
            _tell_passed(story, name, line_passed_over(line, besides=story.caller.line))


def _tell_passed(story: Story, way: str, why: PassedOver | None) -> None:
    if why is not None:
        line = story.exchange.lines.get(way)
        story.tell(_PASSED[why], way=way, state=line.state if line is not None else "")


def _tell_price(story: Story, way: str, number: str, payer: str | None) -> None:
    """What the party sees, what a minute costs, and what is left of the minutes."""
    shop, seen = story.shop, presented(story.shop, way)
    if seen.is_withheld:
        story.tell(StepCode.SHOWN_WITHHELD, way=way)
    elif seen.number is None or seen.by is ShownBy.PBX:
        story.tell(StepCode.SHOWN_UNKNOWN, way=way)
    else:
        story.tell(StepCode.SHOWN, way=way, number=seen.number)
    tariff = tariff_for(shop.tariffs, way, number)
    if tariff is None:
        story.tell(StepCode.COST_UNKNOWN, way=way)
    else:
        story.tell(
            StepCode.COST, way=way, per_minute=tariff.per_minute, currency=shop.currency, step=tariff.step_seconds
        )
    minutes = story.exchange.minutes_of(way)
    if minutes.left is not None:
        story.tell(StepCode.LEFT, way=way, minutes=minutes.left, used=minutes.used)
    own = story.exchange.minutes_of_extension(payer) if payer is not None else minutes
    if payer is not None and own.left is not None:
        story.tell(StepCode.LEFT_OF_EXTENSION, extension=payer, minutes=own.left)


_PASSED: Mapping[PassedOver, StepCode] = {
    PassedOver.OWN: StepCode.PASSED_OWN,
    PassedOver.NO_VOICE: StepCode.PASSED_NO_VOICE,
    PassedOver.NOT_READY: StepCode.PASSED_NOT_READY,
    PassedOver.AWAY: StepCode.PASSED_AWAY,
    PassedOver.FULL: StepCode.PASSED_FULL,
}
