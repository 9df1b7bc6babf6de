"""What is looked at again and again beside the calls: the clock, the network, the backup, the store that is shared."""

from __future__ import annotations

from gateway.api.board import Board
from gateway.backup.state import BackupWatch
from gateway.boot_clock import BootClock, ClockWatch
from gateway.clock import utc_now
from gateway.events import EventBus
from gateway.mqtt_way import Watch, mqtt_news
from gateway.settings import Settings
from gateway.sip.network_watch import NetworkWatch
from gateway.store.replication.replication_watch import ReplicationWatch
from gateway.store.store import Store


def watches(
    settings: Settings, clock: BootClock, bus: EventBus, store: Store, board: Board, *others: Watch
) -> tuple[Watch, ...]:
    """`others`, and those that these settings ask for, all to be run; what MQTT is told is one of them."""
    mqtt = mqtt_news(settings.mqtt, bus, store.gateway_id, snapshot=board.snapshot, missed=store.missed.open)
    replication = [ReplicationWatch(settings, bus.publish, utc_now)] if settings.replication.is_on else []
    own = ClockWatch(clock, bus.publish), BackupWatch(settings, bus.publish, utc_now), NetworkWatch(bus.publish)
    return *others, *replication, *own, *mqtt
