"""The route test against calls that are really made: random shops and callers, the real flows, in virtual time.

Nobody answers and nobody presses a key in these calls. What the route test says beforehand is laid beside what the
flow has done: who was rung, what was dialled, what the caller heard, how it ended, and when.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.audio.port import FrameSource
from gateway.errors import BudgetSpent, NightLocked, NoSuchWay
from gateway.events import CallEnded
from gateway.telephony.branches import Branch
from gateway.telephony.causes import Cause
from gateway.telephony.contacts import ContactRules
from gateway.telephony.faults import cause_of_fault
from gateway.telephony.leg import LegState
from gateway.telephony.line import LineState
from gateway.telephony.night import NightLock
from gateway.telephony.numbers import Dialable
from gateway.telephony.orders import Order
from gateway.telephony.queue_rules import Overflow, QueueRules, Strategy
from gateway.telephony.reception import Reception
from gateway.telephony.route_steps import RouteAnswer, RouteQuestion, StepCode
from gateway.telephony.route_trial import try_route
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import (
    CourierSettings,
    FollowMe,
    LineSettings,
    PhoneSettings,
    Shop,
    TrunkSettings,
)
from gateway.telephony.tariffs import TariffSettings
from gateway.telephony.toll_free import TollFreeRules, WhenSpent
from tests.fakes.exchange import FakeLine, FakeTrunk, Scene, scene
from tests.fakes.legs import FakeLeg
from tests.faults import rounds

STRANGER, REGULAR, ORDERED, KNOWN = "+79035550001", "+79035550002", "+79035550003", "+79035550004"
COURIER_MOBILE = "+79161234567"
CALLERS = (STRANGER, "+74212123456", "84952223344", REGULAR, ORDERED, KNOWN, COURIER_MOBILE, "")
WAYS = {"red": "+79160000001", "blue": "+79160000002", "provider": "+74951234567", "free": "+78001234567"}
DIALLED = ("101", "102", "2001", "+79035550009", "112", "0900", "+19005550000", "+447700900123", "*8", "*781")
RULES = Reception(patience_minutes=1, repeat_seconds=20)
OPEN_ENDS = {
    StepCode.EMERGENCY,
    StepCode.COURIER_ASKED_FOR_PIN,
    StepCode.COURIER_CALLED_BACK,
    StepCode.FEATURE_CODE,
}
REFUSALS = (
    BudgetSpent("The minutes are used up.", kind="line", name="red", minutes="1", day="2026-03-02"),
    NightLocked("Nobody may call.", kind="line", name="red", begins="23:00", ends="07:00"),
)


def any_shop(dice: random.Random) -> Shop:
    """A shop with some of everything that decides about a call."""
    phones = tuple(
        PhoneSettings(
            extension=extension, password="a-long-password", mobile=dice.choice([None, None, "+79035550077"]),
            do_not_disturb=dice.random() < 0.1, voicemail=dice.random() < 0.2,
            forward_always=dice.choice([None] * 8 + ["102", "2001", "+79035550088"]),
            forward_busy=dice.choice([None] * 5 + ["103"]),
            forward_no_answer=dice.choice([None] * 4 + ["103", "101", "2001", "+79035550088"]),
        )
        for extension in ("101", "102", "103", *(("2001",) if dice.random() < 0.5 else ()))
    )  # fmt: skip
    courier = CourierSettings(
        extension="2001", mobile=COURIER_MOBILE, lines=dice.choice([(), ("red",), ("blue", "red")]),
        pin=dice.choice(["482913", None]), on_shift=dice.random() < 0.8, follow=dice.choice(list(FollowMe)),
        then=dice.choice([None, "101", "2002"]), calls_back=dice.random() < 0.3, texts_missed=dice.random() < 0.3,
    )  # fmt: skip
    other = CourierSettings(extension="2002", mobile="+79161234568", then=dice.choice([None, "2001"]))
    lines = tuple(
        LineSettings(
            name=name, modem=name, number=WAYS[name], rings=dice.choice([(), ("102",), ("101", "103")]),
            asks_extension=dice.random() < 0.2,
        )
        for name in ("red", "blue")
    )  # fmt: skip
    trunks = tuple(
        TrunkSettings(name=name, host="sip.example.net", number=WAYS[name], asks_extension=dice.random() < 0.15)
        for name in ("provider", "free")
    )
    moscow = Branch(name="Moscow", region="moscow", phones=("101", "102"), schedule=week_of(("09:00-18:00",)))
    sakhalin = Branch(name="Sakhalin", region="sakhalin", phones=("103",), schedule=week_of(("09:00-18:00",)))
    hours = dice.choice([(), ("09:00-18:00",), ("20:00-02:00",), ("12:00-12:30",)])
    return Shop(
        lines=lines, trunks=trunks, phones=phones, couriers=(courier, other),
        reception=replace(
            RULES, on=dice.random() < 0.85, quiet_rings=dice.choice([1, 2, 3]), music_rings=dice.choice([0, 3]),
            greeting_seconds=dice.choice([1, 5, 18]), offers_call_back=dice.random() < 0.7,
            night_to=dice.choice(["", "", "103", "+79035550066"]), night_message=dice.random() < 0.4,
        ),
        contacts=ContactRules(colleagues=dice.choice([(), ("103",), ("102", "103")])),
        schedule=week_of(hours),
        queue=QueueRules(
            strategy=dice.choice([Strategy.ALL, Strategy.ALL, Strategy.IN_ORDER]), step_seconds=300,
            overflow=dice.choice([Overflow.STAY, Overflow.STAY, Overflow.NUMBER, Overflow.VOICEMAIL,
                                  Overflow.CALL_BACK, Overflow.PHONES]),
            overflow_seconds=dice.choice([0, 3, 12, 25, 50]), overflow_number="103", overflow_phones=("102", "103"),
        ),
        toll_free=TollFreeRules(
            number_per_minute=dice.choice([0, 1, 30]), when_spent=dice.choice(list(WhenSpent)), forward_to="103",
            daily_budget=dice.choice([0, 1]), per_minute="3",
        ),
        branches=(moscow, sakhalin) if dice.random() < 0.3 else (),
        night=NightLock(begins="23:00", ends="07:00") if dice.random() < 0.2 else NightLock(),
        tariffs=(TariffSettings(way="provider", per_minute="1.50"),),
    )  # fmt: skip


def week_of(hours: tuple[str, ...]) -> Schedule:
    """The same hours on every day."""
    return Schedule(
        monday=hours, tuesday=hours, wednesday=hours, thursday=hours, friday=hours, saturday=hours, sunday=hours
    )


class Watched:
    """What the real flow does, in order, each with its second."""

    def __init__(self, s: Scene) -> None:
        self._scene = s
        self._began = asyncio.get_running_loop().time()
        self.acts: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.acts.append((asyncio.get_running_loop().time() - self._began, what))

    @contextmanager
    def listening(self, refusals: dict[str, Cause]) -> Iterator[None]:
        """Within the block the fakes tell what they are asked to do; `refusals` are those of the budget, by way."""
        s = self._scene
        prompts, phones = s.exchange.prompts, s.phones.dial
        ways: list[FakeLine | FakeTrunk] = [*s.lines.values(), *s.trunks.values()]
        dials = [(way, way.dial) for way in ways]

        def dial_phone(extension: str, **rest: object) -> object:
            self.note(f"ring {extension}")
            return phones(extension, **rest)  # type: ignore[arg-type]  # the caller as it was given

        def dialler(way: FakeLine | FakeTrunk, dial: object) -> object:
            def dial_out(number: Dialable, **rest: object) -> FakeLeg:
                leg: FakeLeg = dial(number, **rest)  # type: ignore[operator]  # the method of the fake
                if way.name in refusals and not number.emergency:
                    leg.hangs_up(refusals[way.name])
                else:
                    self.note(f"dial {way.name} {number.digits}")
                return leg

            return dial_out

        def prompt(key: str) -> FrameSource:
            self.note(f"say {key}")
            return prompts(key)

        object.__setattr__(s.exchange, "prompts", prompt)
        s.phones.dial = dial_phone  # type: ignore[method-assign, assignment]  # the fake listens
        for way, dial in dials:
            way.dial = dialler(way, dial)  # type: ignore[method-assign, assignment]  # the fake listens
        try:
            yield
        finally:
            object.__setattr__(s.exchange, "prompts", prompts)
            s.phones.dial = phones  # type: ignore[method-assign]  # as it was
            for way, dial in dials:
                way.dial = dial  # type: ignore[method-assign]  # as it was


def foretold(answer: RouteAnswer, s: Scene) -> list[tuple[float, str]]:
    """What the steps say is done, in the words of `Watched`."""
    acts: list[tuple[float, str]] = []
    for step in answer.steps:
        match step.code:
            case StepCode.RINGS | StepCode.RINGS_UNTIL_ANSWERED | StepCode.RINGS_OWN_APP:
                acts += [(step.at, f"ring {phone}") for phone in step.values["phones"].split()]
            case StepCode.OVERFLOW_PHONES:
                acts += [
                    (step.at + float(step.values["after"]), f"ring {phone}") for phone in step.values["phones"].split()
                ]
            case StepCode.CALLS_OUT:
                acts.append((step.at, f"dial {step.values['way']} {step.values['number']}"))
            case StepCode.ENDS:
                acts.append((step.at, f"end {step.values['cause']}"))
            case StepCode.OFFER:  # made ready at one moment
                acts += [(step.at, f"say {key}") for key in step.values["prompts"].split()]
            case StepCode.OFFERS_AGAIN:
                at, every = step.at + s.shop.reception.repeat_seconds, float(step.values["every"])
                while at < float(step.values["until"]) - 0.2:
                    acts += [(at, f"say {key}") for key in step.values["prompts"].split()]
                    at += every
            case _ if "prompts" in step.values:
                at = step.at
                for key in step.values["prompts"].split():
                    acts.append((at, f"say {key}"))
                    at += s.prompt_seconds.get(key, 1.0)
            case _:
                pass
    return sorted(acts, key=lambda act: act[0])


def asked(dice: random.Random) -> tuple[str, str]:
    """Who calls whom."""
    if dice.random() < 0.25:
        return "101", dice.choice(DIALLED)
    return dice.choice(CALLERS), dice.choice(list(WAYS))


def prepare(s: Scene, dice: random.Random) -> None:
    """The world as it is when the call comes."""
    s.set_by = timedelta(minutes=dice.randrange(0, 7 * 24 * 60))
    s.people.names = {KNOWN: "Known"}
    s.people.managers = {REGULAR: dice.choice(["101", "102"])}
    s.prompt_seconds = {"greeting": dice.choice([1.0, 4.0, 30.0])}
    s.phones.away = {each for each in ("101", "102", "103", "2001") if dice.random() < 0.25}
    for line in s.lines.values():
        line.state = dice.choice([LineState.READY] * 3 + [LineState.SEARCHING])
        line.can_speak = dice.random() < 0.9
    for trunk in s.trunks.values():
        trunk.is_usable, trunk.has_room = dice.random() < 0.8, dice.random() < 0.9
    if dice.random() < 0.7:
        now = s.clock()
        s.orders = [
            Order(
                id="o", number="1001", phone=ORDERED, courier="2001", created_at=now, changed_at=now,
                expires_at=now + timedelta(days=1),
            )
        ]  # fmt: skip


async def real_call(s: Scene, caller: str, called: str, refusals: dict[str, Cause]) -> list[tuple[float, str]]:
    """Make the call and let it come to its end by itself."""
    watched = Watched(s)
    with watched.listening(refusals):
        if called in s.lines:
            leg = s.call_to_line(called, caller)
        elif called in s.trunks:
            leg = s.call_to_trunk(called, caller, WAYS[called])
        else:
            leg = s.call_from_phone(caller, called)
        leg.answers_in = 0.0
        leg.on_change(lambda each: watched.note(f"end {each.cause}") if each.state is LegState.ENDED else None)
        over = asyncio.Event()
        unlisten = s.bus.subscribe(lambda published: over.set() if isinstance(published.event, CallEnded) else None)
        async with asyncio.timeout(3600):
            await over.wait()
        unlisten()
    return watched.acts


def same(real: list[tuple[float, str]], told: list[tuple[float, str]]) -> bool:
    """Whether the same is done in the same order, each within half a second; what is of one moment has no order."""
    by_moment = [sorted((what, at) for at, what in acts) for acts in (real, told)]
    return [what for what, _ in by_moment[0]] == [what for what, _ in by_moment[1]] and all(
        abs(one - other) <= 0.5 for (_, one), (_, other) in zip(*by_moment, strict=True)
    )


@pytest.mark.parametrize("part", range(rounds(2, 30)))
async def test_the_call_goes_as_the_route_test_has_said(part: int) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}, part {part}")
    dice = random.Random(seed)
    calls = rounds(15, 100)
    compared = sum([await compare(dice, f"seed {seed}, call {number}") for number in range(calls)])
    assert compared > calls / 2


async def compare(dice: random.Random, which: str) -> bool:
    """Ask, then call; False: how such a call goes on is not foretold."""
    shop = any_shop(dice)
    budget = {way: dice.choice(REFUSALS) for way in WAYS if dice.random() < 0.15}
    caller, called = asked(dice)
    async with scene(shop) as s:
        prepare(s, dice)
        object.__setattr__(s.exchange, "refusal_of", lambda *, way, **_: budget.get(way))
        if called == "free" and dice.random() < 0.5:  # somebody was there before
            await s.toll_free.admit("before", "free", "+79035559999", leg_id="before", is_known=False)
        answer = try_route(s.exchange, RouteQuestion(caller=caller, called=called, at=s.clock()))
        if any(step.code in OPEN_ENDS for step in answer.steps):
            return False
        told = foretold(answer, s)
        real = await real_call(s, caller, called, {way: cause_of_fault(fault) for way, fault in budget.items()})
        assert same(real, told), f"{which}: {caller} -> {called}\n" + "\n".join(
            ["real:", *map(str, real), "told:", *map(str, told), "steps:", *map(str, answer.steps), str(shop)]
        )
    return True


@pytest.mark.parametrize("strategy", [Strategy.ALL, Strategy.IN_ORDER])
async def test_the_overflow_has_more_phones_ring_whatever_the_strategy(strategy: Strategy) -> None:
    queue = QueueRules(
        strategy=strategy, step_seconds=300, overflow=Overflow.PHONES, overflow_seconds=12, overflow_phones=("103",)
    )
    phones = tuple(PhoneSettings(extension=each, password="a-long-password") for each in ("101", "102", "103"))
    line = LineSettings(name="red", modem="m0", number=WAYS["red"], rings=("101", "102"))
    async with scene(Shop(lines=(line,), phones=phones, queue=queue, reception=RULES)) as s:
        told = foretold(try_route(s.exchange, RouteQuestion(caller=STRANGER, called="red", at=s.clock())), s)
        assert (12.0, "ring 103") in told
        assert ((0.0, "ring 102") in told) is (strategy is Strategy.ALL)
        assert same(await real_call(s, STRANGER, "red", {}), told)


async def test_who_is_outside_must_call_a_number_of_the_shop() -> None:
    async with scene(any_shop(random.Random(1))) as s:
        with pytest.raises(NoSuchWay):
            try_route(s.exchange, RouteQuestion(caller=STRANGER, called="+79161112233", at=datetime.now(UTC)))
