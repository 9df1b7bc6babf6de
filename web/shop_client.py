"""What the panel asks of the daemon about the shop: its hours, and where numbers are from."""

from __future__ import annotations

from typing import IO, Any

from web.gateway_link import Asker, GatewayLink

_READING_SECONDS = 60.0
"""As long as a small processor takes for the whole registry of numbers."""


class ShopClient(GatewayLink):
    """One method per operation of the contract."""

    def hours(self, asker: Asker) -> dict[str, Any]:
        """The shop's hours, by the names of shop.toml."""
        return self._object(asker, "GET", "/api/v1/schedule")

    def change_hours(self, asker: Asker, hours: dict[str, Any]) -> None:
        """Other hours, all of them."""
        self._ask(asker, "PUT", "/api/v1/schedule", body=hours)

    def take_calendar(self, asker: Asker, text: str, timed: str) -> None:
        """Take an iCalendar file; `timed`: whether the shop is "closed" or "open" during its events."""
        query = {"timed": timed}
        self._ask(asker, "POST", "/api/v1/schedule/import", text=text, media_type="text/calendar", query=query)

    def shop_versions(self, asker: Asker) -> list[dict[str, Any]]:
        """What the shop was, the newest, which is the shop of now, first."""
        items: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/shop/versions")["items"]
        return items

    def restore_shop(self, asker: Asker, number: str) -> None:
        """Make the shop again what it was."""
        self._ask(asker, "POST", "/api/v1/shop/versions/{number}/restore", number=number)

    def general(self, asker: Asker) -> dict[str, str]:
        """What is so of the whole shop."""
        return self._object(asker, "GET", "/api/v1/shop/general")

    def change_general(self, asker: Asker, changes: dict[str, str]) -> None:
        """Other values for some of it."""
        self._ask(asker, "PATCH", "/api/v1/shop/general", body=changes)

    def shop_parts(self, asker: Asker, kind: str) -> list[dict[str, Any]]:
        """The lines, phones, couriers or trunks."""
        items: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/shop/parts/{kind}", kind=kind)["items"]
        return items

    def change_part(self, asker: Asker, kind: str, key: str, changes: dict[str, Any]) -> None:
        """Other values for a part, or a new one."""
        self._ask(asker, "PUT", "/api/v1/shop/parts/{kind}/{key}", body=changes, kind=kind, key=key)

    def remove_part(self, asker: Asker, kind: str, key: str) -> None:
        """Take a part out of the shop."""
        self._ask(asker, "DELETE", "/api/v1/shop/parts/{kind}/{key}", kind=kind, key=key)

    def pbx(self, asker: Asker) -> dict[str, Any]:
        """The PBX where couriers are extensions, and which of them are."""
        return self._object(asker, "GET", "/api/v1/shop/pbx")

    def change_pbx(self, asker: Asker, changes: dict[str, Any]) -> None:
        """Another PBX, or other passwords there."""
        self._ask(asker, "PUT", "/api/v1/shop/pbx", body=changes)

    def remove_pbx(self, asker: Asker) -> None:
        """Have no PBX any more."""
        self._ask(asker, "DELETE", "/api/v1/shop/pbx")

    def opening(self, asker: Asker, at: str | None = None) -> dict[str, Any]:
        """Whether the shop is open, now or then, and the two weeks from that day."""
        return self._object(asker, "GET", "/api/v1/schedule/state", query={"at": at})

    def route_test(self, asker: Asker, *, caller: str, called: str, at: str) -> dict[str, Any]:
        """What would become of a call, step by step; an empty `at` is now."""
        query = {"caller": caller, "called": called, "at": at or None}
        return self._object(asker, "GET", "/api/v1/route-test", query=query)

    def branches(self, asker: Asker) -> list[dict[str, Any]]:
        """The branches, and which of them are open now."""
        items: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/branches")["items"]
        return items

    def regions(self, asker: Asker) -> list[dict[str, Any]]:
        """Those that a branch may be of."""
        found: list[dict[str, Any]] = self._object(asker, "GET", "/api/v1/branches")["regions"]
        return found

    def toll_free(self, asker: Asker) -> dict[str, Any]:
        """The guard of toll-free numbers: rules, what today has cost, who is blocked."""
        return self._object(asker, "GET", "/api/v1/toll-free")

    def change_toll_free(self, asker: Asker, rules: dict[str, Any]) -> None:
        """Other values for its rules."""
        self._ask(asker, "PATCH", "/api/v1/toll-free", body=rules)

    def lift_block(self, asker: Asker, caller: str) -> None:
        """The caller is let through again."""
        self._ask(asker, "POST", "/api/v1/toll-free/blocks/{caller}/lift", caller=caller)

    def places(self, asker: Asker, numbers: list[str]) -> dict[str, Any]:
        """Where numbers are from, and how many `ranges` are imported."""
        return self._object(asker, "GET", "/api/v1/places", query={"numbers": ",".join(numbers)})

    def take_ranges(self, asker: Asker, file: IO[bytes]) -> int:
        """Take a file of the registry of numbers; how many ranges there are now."""
        answer: dict[str, Any] = self._ask(
            asker, "PUT", "/api/v1/places/ranges", file=file, media_type="text/csv", seconds=_READING_SECONDS
        )
        return int(answer["ranges"])
