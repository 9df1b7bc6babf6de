"""The status of an order as prompts one after the other: "your order", its digits, "is with the courier", "today".

Everything is packaged, so that no call waits for a speech engine. What is heard and what is shown are the same
pieces: `said` puts their texts together.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, tzinfo

from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.port import FrameSource
from gateway.audio.prompts import prompt_texts
from gateway.telephony.order_status import OrderStatus
from gateway.telephony.orders import LAST_STAGES
from gateway.telephony.schedule import WEEKDAYS

MOST_DIGITS = 16


def status_prompts(order: OrderStatus, digits: str, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """The keys. `digits` are those the caller has pressed; `now` is aware, `zone` the shop's.

    A delivery is spoken of while it is still to come.
    """
    said_digits = (f"digit-{digit}" for digit in digits[:MOST_DIGITS])
    delivery = () if order.stage in LAST_STAGES else _delivery(order, now.astimezone(zone))
    return ("status-your-order", *said_digits, f"status-{order.stage}", *delivery)


def said(keys: Sequence[str], language: str) -> str:
    """The sentence of these prompts, digits as digits."""
    texts = prompt_texts(language)
    words = " ".join(_words(keys, texts))
    return f"{words.removesuffix('.')}."


def sound_of(keys: Sequence[str], prompts: Callable[[str], FrameSource]) -> bytes:
    """The same as a WAV file, as a caller hears it. Raises KeyError for an unknown key."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for key in keys:
            source = prompts(key)
            while (frame := source.next_frame()) is not None:
                file.writeframes(frame.astype("<i2").tobytes())
    return content.getvalue()


def _words(keys: Iterable[str], texts: dict[str, str]) -> Iterator[str]:
    before = ""
    for key in keys:
        if key == "status-delivery":
            before += ","
        if before:
            yield before
        before = key.removeprefix("digit-") if key.startswith("digit-") else texts[key]
    yield before


def _delivery(order: OrderStatus, now: datetime) -> tuple[str, ...]:
    on = order.delivery_on
    if on is None or on < now.date():
        return ()
    ends = order.delivery_to
    is_over = on == now.date() and ends is not None and ends != time() and now.time() >= ends
    hours = () if is_over else _hours(order.delivery_from, ends)
    return ("status-delivery", *_day(on, (on - now.date()).days), *hours)


def _day(on: date, days: int) -> tuple[str, ...]:
    if days < 2:
        return (("day-today", "day-tomorrow")[days],)
    return (f"day-{WEEKDAYS[on.weekday()]}",) if days < 7 else (f"on-{on.day}", f"of-month-{on.month}")


def _hours(begins: time | None, ends: time | None) -> tuple[str, ...]:
    """Only what there is a piece for is said: full hours, by day half hours too. A beginning alone is not said."""
    if ends is None or not _has_piece(ends) or (begins is not None and not _has_piece(begins)):
        return ()
    return (*(() if begins is None else (f"from-{begins:%H%M}",)), f"until-{ends:%H%M}")


def _has_piece(value: time) -> bool:
    return value.minute == 0 or (value.minute == 30 and 7 <= value.hour <= 22)
