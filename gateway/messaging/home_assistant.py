"""What a house's automation sees of the gateway: topics and payloads of MQTT, made of the snapshot. No sockets here.

Home Assistant finds the gateway by itself, as one device with all its values:
<https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload>. Every topic is retained, and below
`PREFIX/NODE/status` stands "online", or "offline" by the broker's word when the gateway is gone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.messages import words

ONLINE, OFFLINE = "online", "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where things stand on the broker. `node` is this gateway's, and stays when its shop gets another name."""

    node: str
    prefix: str = "simbridge"
    discovery: str = "homeassistant"
    version: str = ""

    @property
    def base(self) -> str:
        """Where all topics of this gateway begin."""
        return f"{self.prefix}/{self.node}"

    @property
    def status(self) -> str:
        """Whether it is there."""
        return f"{self.base}/status"


def topics(house: House, snapshot: Mapping[str, Any], *, missed: int) -> dict[str, str]:
    """Every topic but the status, with its payload. `missed` customers wait for a call."""
    shop, lines = snapshot["shop"], snapshot["lines"]
    state = {
        "calls": len(snapshot["calls"]),
        "missed": missed,
        "alerts": len(snapshot["alerts"]),
        "phones": sum(1 for phone in snapshot["phones"] if phone["registered"]),
        "lines_ready": sum(1 for line in lines if line["state"] in ("ready", "busy")),
    }
    found = {f"{house.base}/state": _text(state)}
    for line in lines:
        balance = line["balance"]
        told = {
            "name": line["name"],
            "state": line["state"],
            "ready": "ON" if line["state"] in ("ready", "busy") else "OFF",
            "operator": line["operator"],
            "signal_dbm": line["signal_dbm"],
            "balance": balance["value"] if balance is not None else None,
        }
        found[f"{house.base}/lines/{_identity(line['name'])}"] = _text(told)
    found[f"{house.discovery}/device/{house.node}/config"] = _text(_device(house, shop, lines))
    return found


def _device(house: House, shop: Mapping[str, Any], lines: list[Mapping[str, Any]]) -> dict[str, object]:
    titles = {code: entry["title"] for code, entry in words(shop["language"])["mqtt"].items()}
    parts: dict[str, dict[str, object]] = {
        name: _part(house, name, titles[name], "state", name, icon=icon, state_class="measurement")
        for name, icon in (
            ("calls", "mdi:phone-in-talk"), ("missed", "mdi:phone-missed"), ("alerts", "mdi:alert"),
            ("phones", "mdi:deskphone"), ("lines_ready", "mdi:sim"),
        )
    }  # fmt: skip
    for line in lines:
        identity, name = _identity(line["name"]), line["name"]
        place = f"lines/{identity}"
        parts[f"{identity}_ready"] = {
            **_part(house, f"{identity}_ready", f"{name}: {titles['ready']}", place, "ready"),
            "p": "binary_sensor",
            "device_class": "connectivity",
        }
        parts[f"{identity}_signal"] = _part(
            house, f"{identity}_signal", f"{name}: {titles['signal']}", place, "signal_dbm",
            device_class="signal_strength", unit_of_measurement="dBm", state_class="measurement",
        )  # fmt: skip
        parts[f"{identity}_balance"] = _part(
            house, f"{identity}_balance", f"{name}: {titles['balance']}", place, "balance",
            device_class="monetary", unit_of_measurement=shop["currency"],
        )  # fmt: skip
    return {
        "dev": {"ids": [house.node], "name": shop["name"] or "simbridge", "mf": "simbridge", "sw": house.version},
        "o": {"name": "simbridge", "sw": house.version},
        "cmps": parts,
        "availability_topic": house.status,
        "qos": 1,
    }


def _part(house: House, identity: str, name: str, place: str, value: str, **more: str) -> dict[str, object]:
    return {
        "p": "sensor",
        "unique_id": f"{house.node}_{identity}",
        "name": name,
        "state_topic": f"{house.base}/{place}",
        "value_template": f"{{{{ value_json.{value} }}}}",
        **more,
    }


def _identity(name: str) -> str:
    """A name as a part of a topic: nothing in it that MQTT or Home Assistant give a meaning to."""
    clean = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    return clean if clean == name else f"{clean}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
