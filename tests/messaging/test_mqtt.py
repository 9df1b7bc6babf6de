"""A real broker is told, with a last will; Home Assistant's start and the broker's own are noticed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from gateway.demo.free_port import free_port
from gateway.errors import SettingsError
from gateway.events import EventBus, ShopChanged
from gateway.messaging import mqtt
from gateway.messaging.home_assistant import House
from gateway.messaging.mqtt import Broker, MqttNews
from gateway.mqtt_settings import MqttSettings
from gateway.mqtt_way import mqtt_news
from tests.messaging.test_home_assistant import snapshot

pytestmark = pytest.mark.real_time

HOUSE = House(node="simbridge-0123456789ab")
SECRET = "a-word-for-the-broker"


@asynccontextmanager
async def _mosquitto(directory: Path, port: int) -> AsyncIterator[None]:
    """Debian's broker on loopback, for one user with a password."""
    passwords, config = directory / "passwords", directory / "mosquitto.conf"
    passwords.write_text(f"shop:{SECRET}\n", encoding="utf-8")
    passwords.chmod(0o600)
    hashing = await asyncio.create_subprocess_exec("mosquitto_passwd", "-U", str(passwords))
    assert await hashing.wait() == 0
    user = "user root\n" if passwords.stat().st_uid == 0 else ""
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\npersistence false\n{user}",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        "mosquitto", "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(400):
            assert process.returncode is None, "the broker has ended"
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _watching(port: int, seen: dict[str, Any]) -> AsyncIterator[aiomqtt.Client]:
    """Somebody of the house who keeps the last word of every topic."""

    async def keep() -> None:
        async for message in client.messages:
            text = message.payload.decode() if isinstance(message.payload, bytes | bytearray) else ""
            seen[str(message.topic)] = json.loads(text) if text.startswith("{") else text

    async with aiomqtt.Client("127.0.0.1", port, username="shop", password=SECRET) as client:
        await client.subscribe("#", qos=1)
        async with asyncio.TaskGroup() as work:
            keeping = work.create_task(keep())
            yield client
            keeping.cancel()


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen in 30 s")


async def test_a_house_is_told_and_sees_the_gateway_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE_SECONDS", 0.1)
    now, waiting, port, seen, bus = snapshot(), [2], free_port(), dict[str, Any](), EventBus()

    async def missed() -> int:
        return waiting[0]

    news = MqttNews(Broker(host="127.0.0.1", port=port, user="shop", password=SECRET), HOUSE,
                    snapshot=lambda: now, missed=missed)  # fmt: skip
    bus.subscribe(news.follow)
    running = asyncio.create_task(news.run())
    try:
        async with _mosquitto(tmp_path, port), _watching(port, seen) as house:
            state, red = f"{HOUSE.base}/state", f"{HOUSE.base}/lines/red"
            await _until(lambda: seen.get(HOUSE.status) == "online" and seen.get(state, {}).get("missed") == 2)
            config = f"homeassistant/device/{HOUSE.node}/config"
            await _until(lambda: red in seen and config in seen)
            assert len(seen[config]["cmps"]) == 11
            waiting[0], now["lines"] = 5, now["lines"][1:]
            bus.publish(ShopChanged(by="anna"))
            await _until(lambda: seen[state]["missed"] == 5 and seen.get(red) == "")  # a line that is no more
            seen.clear()
            await house.publish("homeassistant/status", "online")
            await _until(lambda: config in seen)
            running.cancel()
            await _until(lambda: seen.get(HOUSE.status) == "offline")
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_broker_that_comes_late_is_found_and_its_silence_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(mqtt, "_LONGEST_PAUSE_SECONDS", 0.2)
    port, seen = free_port(), dict[str, Any]()

    async def missed() -> int:
        return 0

    broker = Broker(host="127.0.0.1", port=port, user="shop", password=SECRET)
    news = MqttNews(broker, HOUSE, snapshot=snapshot, missed=missed)
    with caplog.at_level(logging.DEBUG):
        running = asyncio.create_task(news.run())
        try:
            await asyncio.sleep(1.0)
            async with _mosquitto(tmp_path, port), _watching(port, seen):
                await _until(lambda: seen.get(HOUSE.status) == "online")
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    assert sum("cannot be reached" in each.getMessage() for each in caplog.records if each.levelno > logging.INFO) >= 1
    assert SECRET not in caplog.text + repr(broker)


async def test_nobody_is_told_unless_a_broker_is_named(tmp_path: Path) -> None:
    async def missed() -> list[object]:
        return []

    bus = EventBus()
    assert mqtt_news(MqttSettings(), bus, "0" * 36, snapshot=snapshot, missed=missed) == ()
    lost = MqttSettings(host="broker", user="shop", password_file=str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match="cannot be read"):
        mqtt_news(lost, bus, "0" * 36, snapshot=snapshot, missed=missed)
