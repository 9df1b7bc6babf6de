"""Calls at once: set up one after the other, talked in together, and all that was seen of each."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from gateway.emulator.client import RemoteCall, RemotePhoneCall
from tests.bench.cost import Interval, Watch, resident_mib
from tests.bench.delays import FRAME_SECONDS, AsHeard, Stream, Traced, as_heard, trace
from tests.bench.place import Place, courier_mobile, stranger_mobile
from tests.bench.setup_times import SetupTimes, incoming_times, outgoing_times
from tests.bench.voices import save, speech_like

PATIENCE_SECONDS = 20.0
RING_SECONDS = 0.5
SETTLE_SECONDS = 1.0
"""After the last set-up, before anything is measured."""
TAIL_SECONDS = 0.5
_LONGER_SECONDS = 3.0
"""On a busy machine it takes a while until the last of many has begun to speak; the first speaks on until the end."""


class Way(StrEnum):
    """Who calls whom."""

    OUTGOING = "phone calls courier"
    INCOMING = "stranger calls SIM"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Of one call."""

    family: str
    way: Way
    setup: SetupTimes
    to_sip: Traced
    to_gsm: Traced
    heard: AsHeard
    tick_lateness_ms: list[float]
    """Of the modem's own ticks: what the bench itself adds."""
    dropped_bytes: int
    """What was written beyond the 100 ms that the modem holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Calls that were up at the same time."""

    calls: list[CallFigures]
    interval: Interval
    resident_mib: float


@dataclass(frozen=True, slots=True)
class _Pair:
    index: int
    mobile: RemoteCall
    phone: RemotePhoneCall


@dataclass(frozen=True, slots=True)
class _Span:
    """Moments of a round: the first call began, the speech began, what is measured ended."""

    beginning: float
    speech: float
    end: float


async def play_round(place: Place, way: Way, *, seconds: float, stagger_seconds: float) -> Round:
    """One call on every line; both ends of each speak for `seconds`.

    Raises TimeoutError for a call that fails, and when a process of the bench has gone.
    """
    async with asyncio.timeout(seconds + stagger_seconds * len(place.phones) + 4 * PATIENCE_SECONDS):
        return await _play(place, way, seconds, stagger_seconds)


async def _play(place: Place, way: Way, seconds: float, stagger_seconds: float) -> Round:
    began = time.monotonic()
    set_up = _set_up_outgoing if way is Way.OUTGOING else _set_up_incoming
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(set_up(place, index, stagger_seconds)) for index in range(len(place.phones))]
    pairs = [each.result() for each in waiting]
    if place.wanted.calls == "all":
        await place.api.until("/snapshot", lambda now: _all_recorded(now, len(pairs)), within=PATIENCE_SECONDS)
    await asyncio.sleep(SETTLE_SECONDS)
    for pair in pairs:
        await pair.mobile.speak(_voice(place, "mobile", pair.index, seconds), wait=False)
        await pair.phone.speak(_voice(place, "phone", pair.index, seconds), wait=False)
    since = time.monotonic()
    watch = Watch(place.daemon)
    await asyncio.sleep(seconds - TAIL_SECONDS)
    interval, resident = watch.stop(), resident_mib(place.daemon)
    until = time.monotonic()
    await asyncio.sleep(2 * TAIL_SECONDS)
    for pair in pairs:
        await pair.mobile.hang_up()
    for pair in pairs:
        await pair.phone.ended(within=PATIENCE_SECONDS)
    figures = [await _figures(place, pair, way, _Span(began, since, until)) for pair in pairs]
    await place.api.until("/snapshot", _is_quiet, within=PATIENCE_SECONDS)
    return Round(calls=figures, interval=interval, resident_mib=resident)


def _turn(place: Place, index: int, stagger_seconds: float) -> float:
    """When a call begins: its frames lie elsewhere between the modem's reads than those of the others."""
    return index * (stagger_seconds + FRAME_SECONDS / len(place.phones))


async def _set_up_outgoing(place: Place, index: int, stagger_seconds: float) -> _Pair:
    courier = await place.emulator.subscriber(courier_mobile(index), when_called="answer", ring_seconds=RING_SECONDS)
    await asyncio.sleep(_turn(place, index, stagger_seconds))
    phone = await place.phones[index].call(str(2001 + index))
    mobile = await courier.next_call(within=PATIENCE_SECONDS)
    while (await mobile.facts()).ended is not None:  # of an earlier round
        mobile = await courier.next_call(within=PATIENCE_SECONDS)
    await phone.answered(within=PATIENCE_SECONDS)
    return _Pair(index, mobile, phone)


async def _set_up_incoming(place: Place, index: int, stagger_seconds: float) -> _Pair:
    stranger = await place.emulator.subscriber(stranger_mobile(index))
    await asyncio.sleep(_turn(place, index, stagger_seconds))
    mobile = await stranger.call_in(place.modems[index].number)
    phone = await place.phones[index].incoming(within=PATIENCE_SECONDS)
    await phone.ring()
    await asyncio.sleep(RING_SECONDS)
    await phone.answer()
    await mobile.answered(within=PATIENCE_SECONDS)
    return _Pair(index, mobile, phone)


async def _figures(place: Place, pair: _Pair, way: Way, span: _Span) -> CallFigures:
    modem = place.modems[pair.index]
    stamps = await modem.voice_stamps()
    heard, said = await pair.phone.heard(), await pair.phone.said()
    since, until = span.speech, span.end
    to_gsm = trace(Stream(said.data, said.stamps), Stream(stamps.arrived_data, stamps.arrived), since, until)
    to_sip = trace(Stream(stamps.delivered_data, stamps.delivered), Stream(heard.data, heard.stamps), since, until)
    lateness = [at - due for at, due, _missing, _position in stamps.consumed if since <= at < until]
    return CallFigures(
        family=modem.family,
        way=way,
        setup=await _setup(place, pair, way, span.beginning),
        to_sip=to_sip,
        to_gsm=to_gsm,
        heard=as_heard(to_gsm, stamps),
        tick_lateness_ms=(np.array(lateness) * 1000).tolist(),
        dropped_bytes=stamps.dropped_bytes,
    )


async def _setup(place: Place, pair: _Pair, way: Way, began: float) -> SetupTimes:
    modem = place.modems[pair.index]
    phone = await pair.phone.facts()
    commands = await modem.commands(since=began)
    said = [(at, data) for at, to_modem, data in await modem.at_bytes(since=began) if not to_modem]
    if way is Way.OUTGOING:
        return outgoing_times(modem.family, commands, said, await pair.mobile.facts(), phone)
    return incoming_times(commands, said, stranger_mobile(pair.index), phone)


def _voice(place: Place, who: str, index: int, seconds: float) -> Path:
    """A voice of its own for each end of each line."""
    path = place.site.directory / "voices" / f"{who}-{index}-{seconds:g}.wav"
    if not path.exists():
        save(path, speech_like(seconds + _LONGER_SECONDS, seed=2 * index + (who == "phone")))
    return path


def _all_recorded(snapshot: Any, count: int) -> bool:
    return sum(bool(call["recording"]) for call in _by_lines(snapshot)) == count


def _is_quiet(snapshot: Any) -> bool:
    return not _by_lines(snapshot) and all(line["state"] == "ready" for line in snapshot["lines"])


def _by_lines(snapshot: Any) -> list[Any]:
    """The calls that are measured; phones may talk to each other beside them."""
    return [call for call in snapshot["calls"] if call["line"] or any(leg["line"] for leg in call["legs"])]
