"""The status of an order as prompts: what is said, with the grammar of both languages, and that it can be said."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from gateway.audio.player import read_wav
from gateway.audio.prompts import DELIVERY, KEYS, LANGUAGES, prompt_texts
from gateway.telephony.order_status import OrderStatus
from gateway.telephony.orders import LAST_STAGES, Stage
from gateway.telephony.status_prompts import said, status_prompts

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)
"""Sunday, half past eleven in the evening in Moscow."""
TODAY = date(2026, 11, 22)


def _keys(stage: Stage, on: date | None = None, begins: time | None = None, ends: time | None = None) -> list[str]:
    order = OrderStatus(number="A-1001", stage=stage, delivery_on=on, delivery_from=begins, delivery_to=ends)
    return list(status_prompts(order, "1001", datetime(2026, 11, 22, 6, 0, tzinfo=UTC), MOSCOW))


@pytest.mark.parametrize(
    ("stage", "on", "hours", "russian", "english"),
    [
        (
            Stage.WITH_COURIER, TODAY, (time(14), time(18)),
            "Ваш заказ 1 0 0 1 передан курьеру, доставка сегодня с четырнадцати до восемнадцати часов.",
            "Your order 1 0 0 1 is with the courier, delivery today from fourteen to eighteen o'clock.",
        ),
        (
            Stage.SHIPPED, date(2026, 11, 23), (None, time(21)),
            "Ваш заказ 1 0 0 1 отправлен, доставка завтра до двадцати одного часа.",
            "Your order 1 0 0 1 has been shipped, delivery tomorrow to twenty-one o'clock.",
        ),
        (
            Stage.IN_TRANSIT, date(2026, 11, 25), (time(9, 30), time(22)),
            "Ваш заказ 1 0 0 1 в пути, доставка в среду с девяти тридцати до двадцати двух часов.",
            "Your order 1 0 0 1 is in transit, delivery on Wednesday from nine thirty to twenty-two o'clock.",
        ),
        (
            Stage.CONFIRMED, date(2026, 12, 3), (time(1), time()),
            "Ваш заказ 1 0 0 1 подтверждён, доставка третьего декабря с часа до полуночи.",
            "Your order 1 0 0 1 is confirmed, delivery on the third of December from one to midnight.",
        ),
        (
            Stage.ACCEPTED, None, (time(14), time(18)),
            "Ваш заказ 1 0 0 1 принят.", "Your order 1 0 0 1 has been accepted.",
        ),
        (Stage.PACKED, date(2026, 11, 21), (None, None), "Ваш заказ 1 0 0 1 собран.", "Your order 1 0 0 1 is packed."),
        (
            Stage.DELIVERED, TODAY, (time(14), time(18)),
            "Ваш заказ 1 0 0 1 доставлен.", "Your order 1 0 0 1 has been delivered.",
        ),
        (Stage.RETURNED, None, (None, None), "Ваш заказ 1 0 0 1 возвращён.", "Your order 1 0 0 1 has been returned."),
        (Stage.CANCELLED, None, (None, None), "Ваш заказ 1 0 0 1 отменён.", "Your order 1 0 0 1 has been cancelled."),
        (
            Stage.WITH_COURIER, TODAY, (time(5), time(9)),
            "Ваш заказ 1 0 0 1 передан курьеру, доставка сегодня.",
            "Your order 1 0 0 1 is with the courier, delivery today.",
        ),
        (
            Stage.WITH_COURIER, TODAY, (time(14, 15), time(18)),
            "Ваш заказ 1 0 0 1 передан курьеру, доставка сегодня.",
            "Your order 1 0 0 1 is with the courier, delivery today.",
        ),
    ],
)  # fmt: skip
def test_what_is_said(
    stage: Stage, on: date | None, hours: tuple[time | None, time | None], russian: str, english: str
) -> None:
    keys = _keys(stage, on, *hours)
    assert (said(keys, "ru"), said(keys, "en"), said(keys, "de")) == (russian, english, english)


def test_the_day_is_that_of_the_shop_s_calendar() -> None:
    order = OrderStatus(number="1", stage=Stage.SHIPPED, delivery_on=date(2026, 11, 23))
    for hours, key in ((0, "day-tomorrow"), (1, "day-today")):
        assert status_prompts(order, "1", NOW + timedelta(hours=hours), MOSCOW)[-1] == key


def test_there_is_a_piece_for_whatever_is_said() -> None:
    for language in LANGUAGES:
        known = prompt_texts(language).keys()
        for stage in Stage:
            for days in range(-2, 400, 7 if stage in LAST_STAGES else 1):
                minutes = days % 48 * 30
                begins = time(minutes // 60, minutes % 60)
                for ends in (time(minutes // 60, minutes % 60), time((minutes // 60 + 1) % 24), None):
                    assert set(_keys(stage, TODAY + timedelta(days=days), begins, ends)) <= known


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_piece_is_there_and_as_loud_as_a_prompt(language: str) -> None:
    texts: dict[str, dict[str, str]] = tomllib.loads((DELIVERY / "texts.toml").read_text(encoding="utf-8"))
    assert set(texts) == set(LANGUAGES)
    assert set(texts[language]) == set(texts["en"]) == {file.stem for file in (DELIVERY / language).iterdir()}
    assert not set(texts[language]) & set(KEYS), "an owner's prompt has no other meaning"
    for file in (DELIVERY / language).iterdir():
        samples = read_wav(file).astype(float)
        assert -19 <= 20 * np.log10(np.sqrt(np.mean(samples**2)) / 32_768) <= -16
        assert 0.2 < len(samples) / 8000 < 3
