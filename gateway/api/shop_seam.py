"""What the API asks of the shop: shop.toml, its parts one by one, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from gateway.telephony.schedule import Schedule
from gateway.telephony.shop import Shop


class Version(Protocol):
    """A version of the shop that is kept."""

    @property
    def number(self) -> int:
        """It grows with each change."""

    @property
    def saved_at(self) -> datetime:
        """When it became so."""

    @property
    def saved_by(self) -> str:
        """Who made it so."""

    @property
    def changed(self) -> tuple[str, ...] | None:
        """The parts in which it differs from the one before; None: that is not kept."""


class ShopFile(Protocol):
    """The shop as shop.toml."""

    async def export_text(self) -> str:
        """The shop as it is now, secrets masked."""

    async def import_text(self, text: str, *, by: str) -> bool:
        """Take the file, all or nothing; True when it changed something.

        A masked or missing secret keeps its value. Raises SettingsError that names every error with its line.
        """

    def line_rules(self, name: str) -> dict[str, Any] | None:
        """The rules of a line, by the names of shop.toml; None: there is no such line."""

    async def change_line(
        self, name: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> bool:
        """Commit other rules of a line; False: there is no such line. Raises SettingsError that says what is wrong.

        Raises MenuFirst, too, unless that is accepted.
        """

    def current(self) -> Shop:
        """The shop as it is now."""

    def shop_parts(self, kind: str) -> list[dict[str, Any]]:
        """The lines, phones, couriers or trunks, by the names of shop.toml, secrets masked."""

    async def change_part(
        self, kind: str, key: str, changes: Mapping[str, object], *, by: str, accepts_menu: bool = False
    ) -> None:
        """Commit other values of a part, or a new one. Raises as `change_line`."""

    async def remove_part(self, kind: str, key: str, *, by: str) -> None:
        """Commit the shop without that part. Raises LookupError, and SettingsError when something still names it."""

    def general(self) -> dict[str, Any]:
        """What is so of the whole shop."""

    async def change_general(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other values of it. Raises SettingsError that says what is wrong."""

    async def change_reception(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the reception. Raises SettingsError that says what is wrong."""

    async def change_queue(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the queue. Raises SettingsError that says what is wrong."""

    async def change_order_status(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other rules for the status of orders, all of them. Raises SettingsError that says what is wrong."""

    def pbx(self) -> dict[str, Any]:
        """The PBX where couriers are extensions, and which of them are."""

    async def change_pbx(self, changes: Mapping[str, object], passwords: Mapping[str, str | None], *, by: str) -> None:
        """Commit another PBX, or other passwords there, by extension. Raises SettingsError that says what is wrong."""

    async def remove_pbx(self, *, by: str) -> None:
        """Commit the shop without its PBX and the passwords there. Raises LookupError where there is none."""

    async def change_widget(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the widget. Raises SettingsError that says what is wrong."""

    async def change_toll_free(self, changes: Mapping[str, object], *, by: str) -> None:
        """Commit other rules of the guard of toll-free numbers. Raises SettingsError that says what is wrong."""

    async def versions(self) -> Sequence[Version]:
        """What the shop was, the newest first."""

    async def restore_version(self, number: int, *, by: str) -> bool:
        """Commit the shop as it was then; False: that version is not kept."""

    def schedule(self) -> Schedule:
        """The shop's hours as they are now."""

    async def change_hours(self, table: Mapping[str, object], *, by: str) -> None:
        """Commit other hours, all of them. Raises SettingsError that says what is wrong."""

    async def take_calendar(self, text: str, timed: str, *, by: str) -> None:
        """Commit the exceptions of a calendar; `timed` is "closed" or "open". Raises CalendarInvalid, SettingsError."""
