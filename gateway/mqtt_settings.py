"""The table [mqtt] of gateway.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.toml_document import TomlDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """The MQTT broker of a house, such as Home Assistant's."""

    host: str | None = None
    """None: nobody is told anything."""
    port: int = 1883
    user: str | None = None
    password_file: str | None = None
    tls: bool = False
    """The broker's certificate must be good for its name."""
    prefix: str = "simbridge"
    discovery: str = "homeassistant"
    """Where Home Assistant looks for devices."""


def check_mqtt(document: TomlDocument) -> None:
    """What the types cannot say."""
    for place, mqtt in document.found(MqttSettings):
        if mqtt.host is None or not mqtt.host.strip():
            document.problem(place, '[mqtt] needs "host", the name or address of the broker.')
        if not 1 <= mqtt.port <= 65535:
            document.problem((*place, "port"), '"port" of [mqtt] must be between 1 and 65535.')
        if mqtt.password_file is not None and mqtt.user is None:
            document.problem((*place, "password_file"), '[mqtt] needs "user" with "password_file".')
        for key, topic in (("prefix", mqtt.prefix), ("discovery", mqtt.discovery)):
            if not re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", topic):
                document.problem((*place, key), f'"{key}" of [mqtt] must be a topic like "simbridge", not "{topic}".')
