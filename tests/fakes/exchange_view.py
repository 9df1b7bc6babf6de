"""A small shop, and an exchange without modems whose events a test publishes itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from gateway.errors import SettingsError
from gateway.provisioning.desk import ProvisioningDesk
from gateway.store.shop_document.calendar_file import Timed
from gateway.store.shop_document.line_settings import rules_of, with_rules
from gateway.store.shop_document.order_status_settings import with_order_status
from gateway.store.shop_document.pbx_settings import pbx_of, with_pbx, without_pbx
from gateway.store.shop_document.queue_settings import with_queue
from gateway.store.shop_document.reception_settings import with_reception
from gateway.store.shop_document.schedule_settings import with_calendar, with_hours
from gateway.store.shop_document.shop_parts import general_of, parts_of, with_general, with_part, without_part
from gateway.store.shop_document.shop_versions import ShopVersion
from gateway.store.shop_document.toll_free_settings import with_toll_free
from gateway.store.shop_document.widget_settings import with_widget
from gateway.telephony.reception_advice import new_menus
from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import CourierSettings, LineSettings, NumberRules, PhoneSettings, Shop, ShopView

SHOP = Shop(
    name="Flowers & Co",
    language="en",
    lines=(
        LineSettings(name="red", modem="m0", number="+79160000001", rings=("101",)),
        LineSettings(name="blue", modem="m1", number="+79160000002", rings=("101",)),
    ),
    phones=(PhoneSettings(extension="101", name="Front desk", password="not-told-to-anybody"),),
    couriers=(
        CourierSettings(extension="2001", name="Ivan", mobile="+79161234567", lines=("red",), pin="482913"),
        CourierSettings(extension="2002", name="Пётр", mobile="+79161234568", lines=("blue",)),
    ),
    numbers=NumberRules(country="RU"),
)


def setup_desk(shop: ShopView = lambda: SHOP) -> ProvisioningDesk:
    """Gives out the files of that shop's phones, as if SIP listened at home and in a LAN."""
    return ProvisioningDesk(shop, lambda: [("127.0.0.1", 5060), ("192.168.1.5", 5060)], time.monotonic)


class FakeShopFile:
    """Keeps the text it was given; a text with the word `wrong` is refused."""

    def __init__(self) -> None:
        self.text = '[shop]\nname = "Flowers & Co"\n'
        self.imported_by: list[str] = []
        self.menus_accepted: tuple[str, ...] = ()
        self.former: list[Shop] = []
        """Versions before the one of now, the oldest first."""
        self._shop = SHOP

    @property
    def shop(self) -> Shop:
        """The one of now."""
        return self._shop

    @shop.setter
    def shop(self, shop: Shop) -> None:
        if shop != self._shop:
            self.former.append(self._shop)
        self._shop = shop

    async def versions(self) -> list[ShopVersion]:
        return [
            ShopVersion(
                number, datetime(2027, 1, 29, 9, number, tzinfo=UTC), "anna", ("hours", "x") if number > 1 else None
            )
            for number in range(len(self.former) + 1, 0, -1)
        ]

    async def restore_version(self, number: int, *, by: str) -> bool:
        if not 0 < number <= len(self.former):
            return False
        self.shop = self.former[number - 1]
        self.imported_by.append(by)
        return True

    async def export_text(self) -> str:
        return self.text

    async def import_text(self, text: str, *, by: str) -> bool:
        if "wrong" in text:
            raise SettingsError("shop.toml:2: there is no key 'wrong' in [shop].")
        changed = text != self.text
        self.text = text
        self.imported_by.append(by)
        return changed

    def line_rules(self, name: str) -> dict[str, Any] | None:
        line = self.shop.line(name)
        return rules_of(line) if line is not None else None

    async def change_line(
        self, name: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> bool:
        if self.shop.line(name) is None:
            return False
        changed = with_rules(self.shop, name, changes)
        self.menus_accepted += new_menus(self.shop, changed, accepted=accepts_menu)
        self.shop = changed
        self.imported_by.append(by)
        return True

    def current(self) -> Shop:
        return self.shop

    def shop_parts(self, kind: str) -> list[dict[str, Any]]:
        return parts_of(self.shop, kind)

    async def change_part(
        self, kind: str, key: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> None:
        changed = with_part(self.shop, kind, key, changes)
        self.menus_accepted += new_menus(self.shop, changed, accepted=accepts_menu)
        self.shop = changed
        self.imported_by.append(by)

    async def remove_part(self, kind: str, key: str, *, by: str) -> None:
        self.shop = without_part(self.shop, kind, key)
        self.imported_by.append(by)

    def general(self) -> dict[str, Any]:
        return general_of(self.shop)

    async def change_general(self, changes: Mapping[str, object], *, by: str) -> None:
        self.shop = with_general(self.shop, changes)
        self.imported_by.append(by)

    def pbx(self) -> dict[str, Any]:
        return pbx_of(self.shop)

    async def change_pbx(self, changes: Mapping[str, object], passwords: Mapping[str, str | None], *, by: str) -> None:
        self.shop = with_pbx(self.shop, changes, passwords)
        self.imported_by.append(by)

    async def remove_pbx(self, *, by: str) -> None:
        self.shop = without_pbx(self.shop)
        self.imported_by.append(by)

    async def change_toll_free(self, changes: Mapping[str, object], *, by: str) -> None:
        self.shop = with_toll_free(self.shop, changes)
        self.imported_by.append(by)

    async def change_reception(self, changes: Mapping[str, object], *, by: str) -> None:
        self.shop = with_reception(self.shop, changes)
        self.imported_by.append(by)

    async def change_queue(self, changes: Mapping[str, object], *, by: str) -> None:
        self.shop = with_queue(self.shop, changes)
        self.imported_by.append(by)

    async def change_order_status(self, table: Mapping[str, object], *, by: str) -> None:
        self.shop = with_order_status(self.shop, table)
        self.imported_by.append(by)

    async def change_widget(self, changes: Mapping[str, object], *, by: str) -> None:
        self.shop = with_widget(self.shop, changes)
        self.imported_by.append(by)

    def schedule(self) -> Schedule:
        return self.shop.schedule

    async def change_hours(self, table: Mapping[str, object], *, by: str) -> None:
        self.shop = with_hours(self.shop, table)
        self.imported_by.append(by)

    async def take_calendar(self, text: str, timed: str, *, by: str) -> None:
        self.shop = with_calendar(self.shop, text, Timed(timed), date(2026, 11, 22))
        self.imported_by.append(by)
