"""The shop as it is stored: one version after the other, each of them checked, committed and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.clock import WallClock
from gateway.events import Publish, ShopChanged
from gateway.store.audit import add_audit
from gateway.store.shop_document.calendar_file import Timed
from gateway.store.shop_document.line_settings import rules_of, with_rules
from gateway.store.shop_document.order_status_settings import with_order_status
from gateway.store.shop_document.pbx_settings import pbx_of, with_pbx, without_pbx
from gateway.store.shop_document.queue_settings import with_queue
from gateway.store.shop_document.reception_settings import with_reception
from gateway.store.shop_document.schedule_settings import with_calendar, with_hours
from gateway.store.shop_document.shop_file import read_shop, write_shop
from gateway.store.shop_document.shop_parts import (
    changed_whole,
    general_of,
    parts_of,
    with_general,
    with_part,
    without_part,
)
from gateway.store.shop_document.shop_versions import (
    BY_A_PHONE,
    ShopVersion,
    add_shop,
    kept_versions,
    load_shop,
    newest_number,
    shop_of_version,
)
from gateway.store.shop_document.toll_free_settings import with_toll_free
from gateway.store.shop_document.widget_settings import with_widget
from gateway.store.writer import Writer
from gateway.telephony.forwarding import PhoneChange
from gateway.telephony.reception_advice import new_menus
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop


class StoredShop:
    """What the owner configures. `current`: the number of its newest version, and the shop then."""

    def __init__(
        self, writer: Writer, *, gateway_id: str, clock: WallClock, publish: Publish, current: tuple[int, Shop]
    ) -> None:
        self.gateway_id = gateway_id
        self._writer = writer
        self._clock = clock
        self._publish = publish
        self._shop_number, self._shop = current
        self._changing = asyncio.Lock()

    def shop(self) -> Shop:
        """The shop as it is now: a ShopView."""
        return self._shop

    async def save_shop(self, shop: Shop, *, by: str) -> bool:
        """Commit a new version of the shop; True when it differs from the one before. Publishes ShopChanged."""
        before = self._shop_number
        number = await self._writer.write(
            lambda connection: add_shop(connection, shop, gateway_id=self.gateway_id, by=by, now=self._clock())
        )
        self.take_shop(number, shop, by)
        return number > before

    async def change_phone(self, extension: str, change: PhoneChange) -> None:
        """Commit what a phone has dialled; a phone that is of the shop no more changes nothing. Raises StoreError."""

        def changed(shop: Shop) -> Shop:
            phones = tuple(change.applied(phone) if phone.extension == extension else phone for phone in shop.phones)
            return replace(shop, phones=phones)

        await self._change(changed, BY_A_PHONE + extension)

    async def set_shift(self, extension: str, *, on_shift: bool, by: str) -> bool:
        """Commit whether a courier is on shift; False: there is no such courier. Raises StoreError."""
        async with self._changing:
            if self._shop.courier(extension) is None:
                return False
            couriers = tuple(
                replace(each, on_shift=on_shift) if each.extension == extension else each
                for each in self._shop.couriers
            )
            await self.save_shop(replace(self._shop, couriers=couriers), by=by)
            return True

    def line_rules(self, name: str) -> dict[str, Any] | None:
        """The rules of a line, by the names of shop.toml; None: there is no such line."""
        line = self._shop.line(name)
        return rules_of(line) if line is not None else None

    async def change_line(
        self, name: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> bool:
        """Commit other rules of a line; False: there is no such line. Raises SettingsError, MenuFirst, StoreError."""
        if self._shop.line(name) is None:
            return False
        await self._change_way(lambda shop: with_rules(shop, name, changes), by, accepts_menu=accepts_menu)
        return True

    def schedule(self) -> Schedule:
        """The shop's hours as they are now."""
        return self._shop.schedule

    async def change_hours(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other hours, all of them. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_hours(shop, table), by)

    def current(self) -> Shop:
        """The shop as it is now, for the API."""
        return self._shop

    def shop_parts(self, kind: str) -> list[dict[str, Any]]:
        """The lines, phones, couriers or trunks, by the names of shop.toml, secrets masked."""
        return parts_of(self._shop, kind)

    async def change_part(
        self, kind: str, key: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> None:
        """Commit other values of a part, or a new one. Raises SettingsError, MenuFirst, StoreError."""
        await self._change_way(lambda shop: with_part(shop, kind, key, changes), by, accepts_menu=accepts_menu)

    async def remove_part(self, kind: str, key: str, *, by: str) -> None:
        """Commit the shop without that part. Raises LookupError, SettingsError, StoreError."""
        await self._change(lambda shop: without_part(shop, kind, key), by)

    async def change_whole(self, change: Callable[[Shop], Shop], *, by: str) -> None:
        """Commit what `change` makes of the shop. Raises SettingsError, StoreError."""
        await self._change(lambda shop: changed_whole(shop, change), by)

    def general(self) -> dict[str, Any]:
        """What is so of the whole shop."""
        return general_of(self._shop)

    async def change_general(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other values of it. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_general(shop, changes), by)

    def pbx(self) -> dict[str, Any]:
        """The PBX where couriers are extensions, and which of them are."""
        return pbx_of(self._shop)

    async def change_pbx(self, changes: Mapping[str, object], passwords: Mapping[str, str | None], *, by: str) -> None:
        """Commit another PBX, or other passwords there. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_pbx(shop, changes, passwords), by)

    async def remove_pbx(self, *, by: str) -> None:
        """Commit the shop without its PBX and the passwords there. Raises LookupError, StoreError."""
        await self._change(without_pbx, by)

    async def change_reception(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the reception. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_reception(shop, changes), by)

    async def change_queue(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the queue. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_queue(shop, changes), by)

    async def change_order_status(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other rules for the status of orders, all of them. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_order_status(shop, table), by)

    async def change_widget(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the widget. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_widget(shop, changes), by)

    async def change_toll_free(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the guard of toll-free numbers. Raises SettingsError, StoreError."""
        await self._change(lambda shop: with_toll_free(shop, changes), by)

    async def take_calendar(self, text: str, timed: str, *, by: str) -> None:
        """Commit the exceptions of a calendar. Raises CalendarInvalid, SettingsError, StoreError."""

        def changed(shop: Shop) -> Shop:
            today = self._clock().astimezone(ZoneInfo(shop.time_zone)).date()
            return with_calendar(shop, text, Timed(timed), today)

        await self._change(changed, by)

    async def note(self, by: str, action: str, subject: str = "") -> None:
        """Have it on record that somebody did something to the gateway itself. Raises StoreError."""
        await self._writer.write(
            lambda connection: add_audit(
                connection, gateway_id=self.gateway_id, now=self._clock(), by=by, action=action, subject=subject,
                details={},
            )
        )  # fmt: skip

    async def export_text(self) -> str:
        """The shop as shop.toml, secrets masked."""
        return write_shop(self._shop)

    async def import_text(self, text: str, *, by: str) -> bool:
        """Take a shop.toml, all or nothing; True when it changed something.

        A masked or missing secret keeps its value. Raises SettingsError that names every error with its line.
        """
        return await self._change(lambda shop: read_shop(text, shop), by)

    async def versions(self) -> list[ShopVersion]:
        """What the shop was, the newest first."""
        return await self._writer.write(kept_versions)

    async def restore_version(self, number: int, *, by: str) -> bool:
        """Make the shop again what it was then, as a version of its own; False: that one is not kept."""
        former = await self._writer.write(lambda connection: shop_of_version(connection, number))
        if former is None:
            return False
        await self._change(lambda _shop: former, by)
        return True

    async def _change(self, changed: Callable[[Shop], Shop], by: str) -> bool:
        """Commit what `changed` makes of the shop, in a thread: one change after the other, so that none is lost."""
        async with self._changing:
            return await self.save_shop(await asyncio.to_thread(changed, self._shop), by=by)

    async def _change_way(self, changed: Callable[[Shop], Shop], by: str, *, accepts_menu: bool) -> None:
        """As `_change`; who accepts that a menu comes first is on record with it. Raises MenuFirst."""
        menus: list[str] = []

        def checked(shop: Shop) -> Shop:
            after = changed(shop)
            menus.extend(new_menus(shop, after, accepted=accepts_menu))
            return after

        await self._change(checked, by)
        for name in menus:
            await self.note(by, "menu-first.accepted", name)

    def take_shop(self, number: int, shop: Shop, by: str) -> None:
        """Use a version that is stored, unless a newer one is used already."""
        if number > self._shop_number:
            self._shop_number, self._shop = number, shop
            self._publish(ShopChanged(by=by))

    def newer_shop(self, connection: Connection) -> tuple[int, Shop, str] | None:
        """In the writer's thread: the version that another process (the command line) has stored meanwhile."""
        return load_shop(connection) if newest_number(connection) > self._shop_number else None
