"""The way to the MQTT broker of a house, where gateway.toml names one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from gateway import __version__
from gateway.errors import SettingsError
from gateway.events import EventBus
from gateway.messaging.home_assistant import House
from gateway.mqtt_settings import MqttSettings


class Watch(Protocol):
    """What goes on for as long as the daemon does."""

    async def run(self) -> None:
        """Until it is cancelled."""


def mqtt_news(
    settings: MqttSettings,
    bus: EventBus,
    gateway_id: str,
    *,
    snapshot: Callable[[], Mapping[str, Any]],
    missed: Callable[[], Awaitable[Sequence[object]]],
) -> tuple[Watch, ...]:
    """What is to be run for it; nothing where no broker is named. Raises SettingsError."""
    if settings.host is None:
        return ()
    from gateway.messaging.mqtt import Broker, MqttNews  # noqa: PLC0415  # a library that most shops never need

    async def count() -> int:
        return len(await missed())

    house = House(
        node=f"simbridge-{gateway_id.replace('-', '')[-12:]}", prefix=settings.prefix, discovery=settings.discovery,
        version=__version__,
    )  # fmt: skip
    broker = Broker(
        host=settings.host, port=settings.port, user=settings.user, password=_secret(settings.password_file),
        has_tls=settings.tls,
    )  # fmt: skip
    news = MqttNews(broker, house, snapshot=snapshot, missed=count)
    bus.subscribe(news.follow)
    return (news,)


def _secret(file: str | None) -> str | None:
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"The file {file} of [mqtt] cannot be read: {fault}") from fault
