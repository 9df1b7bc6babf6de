"""What a house's automation is told: one device with all its values, in the shop's language, and nobody's number."""

from __future__ import annotations

import json
from typing import Any

from gateway.messaging.home_assistant import House, topics

HOUSE = House(node="simbridge-0123456789ab", version="1.2")


def snapshot(**changes: Any) -> dict[str, Any]:
    def line(name: str, state: str, dbm: int | None, value: float | None) -> dict[str, Any]:
        balance = None if value is None else {"value": value, "text": "?", "time": "t", "failure": None}
        return {"name": name, "number": "+79160000001", "state": state, "operator": "MTS RUS", "signal_dbm": dbm,
                "balance": balance}  # fmt: skip

    return {
        "shop": {"name": "Лавка", "language": "ru", "currency": "RUB"},
        "calls": [{"caller": "+79031112233"}],
        "alerts": [],
        "phones": [{"registered": True}, {"registered": False}],
        "lines": [line("red", "ready", -71, 120.5), line("Синяя", "searching", None, None)],
        **changes,
    }


def test_values_are_told_and_no_number_of_anybody() -> None:
    told = topics(HOUSE, snapshot(), missed=3)
    state = json.loads(told["simbridge/simbridge-0123456789ab/state"])
    assert state == {"calls": 1, "missed": 3, "alerts": 0, "phones": 1, "lines_ready": 1}
    red = json.loads(told["simbridge/simbridge-0123456789ab/lines/red"])
    assert (red["ready"], red["signal_dbm"], red["balance"]) == ("ON", -71, 120.5)
    assert "+79" not in "".join(told.values())


def test_home_assistant_finds_a_device_whose_topics_are_told() -> None:
    told = topics(HOUSE, snapshot(), missed=0)
    device = json.loads(told["homeassistant/device/simbridge-0123456789ab/config"])
    assert device["availability_topic"] == HOUSE.status
    assert device["dev"]["name"] == "Лавка"
    parts = device["cmps"]
    assert len(parts) == 5 + 2 * 3
    assert {part["p"] for part in parts.values()} == {"sensor", "binary_sensor"}
    assert len({part["unique_id"] for part in parts.values()}) == len(parts)
    for part in parts.values():
        value = part["value_template"].removeprefix("{{ value_json.").removesuffix(" }}")
        assert value in json.loads(told[part["state_topic"]])
    assert parts["missed"]["name"] == "Перезвонить"
    assert parts["red_signal"]["unit_of_measurement"] == "dBm"
    assert parts["red_balance"]["unit_of_measurement"] == "RUB"


def test_any_name_of_a_line_is_a_topic_of_its_own() -> None:
    names = ["Синяя", "Белая", "a/b", "a+b", "a#b", "red", "red one"]
    lines = [{**snapshot()["lines"][0], "name": name} for name in names]
    told = topics(House(node="n", prefix="home/shop"), snapshot(lines=lines), missed=0)
    places = [topic for topic in told if "/lines/" in topic]
    assert len(places) == len(names)
    assert all(topic.startswith("home/shop/n/lines/") and topic.count("/") == 4 for topic in places)
    assert not any(sign in "".join(told) for sign in "+# ")
