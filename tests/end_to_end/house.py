"""A whole gateway for a test: emulated modems, daemon and worker as processes of their own, on free ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.demo.processes import Processes
from gateway.demo.shop_api import ShopApi
from gateway.demo.site import Site, prepare
from gateway.emulator.client import EmulatorClient
from gateway.emulator.sip_phone import SipPhone
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop


@dataclass(frozen=True, slots=True)
class House:
    """What a test has of it."""

    site: Site
    api: ShopApi
    emulator: EmulatorClient

    async def modem_state(self, name: str) -> dict[str, Any]:
        """The snapshot's row of a modem."""
        rows = (await self.api.get("/snapshot"))["modems"]
        row: dict[str, Any] = next(row for row in rows if row["name"] == name)
        return row

    async def until_modem(self, name: str, *states: str, within: float) -> dict[str, Any]:
        """Wait for one of the states; the row."""

        def reached(snapshot: Any) -> bool:
            return any(row["name"] == name and row["state"] in states for row in snapshot["modems"])

        await self.api.until("/snapshot", reached, within=within)
        return await self.modem_state(name)

    def phone(self) -> SipPhone:
        """Phone 101, to be entered and registered."""
        return SipPhone(("127.0.0.1", 0), ("127.0.0.1", self.site.ports.sip), "101", self.site.phone_password)

    async def ended_calls(self, count: int, *, within: float = 10.0) -> list[dict[str, Any]]:
        """Wait for so many rows of calls that have ended; newest first."""

        def enough(page: Any) -> bool:
            return len([row for row in page["items"] if row["ended_at"] is not None]) >= count

        rows: list[dict[str, Any]] = (await self.api.until("/calls", enough, within=within))["items"]
        return rows


@asynccontextmanager
async def house(
    directory: Path, *, shop: Callable[[str], str] | None = None, config: Callable[[str], str] | None = None
) -> AsyncIterator[House]:
    """The demo's shop with recordings without notice; `shop` and `config` may change the two files before the start."""
    site = prepare(directory, notice="none", usual_ports=False)
    for change, file in ((shop, site.shop), (config, site.config)):
        if change is not None:
            before = file.read_text(encoding="utf-8")
            after = change(before)
            assert after != before, f"the change found nothing in {file.name}"
            file.write_text(after, encoding="utf-8")
    # Here, where all that it needs is loaded: a process of its own takes a second.
    import_shop(load_settings(site.config), site.shop)
    async with (
        Processes(site, panel=False, say=lambda _text: None),
        ShopApi(site) as api,
        EmulatorClient(site.emulator) as emulator,
    ):
        yield House(site, api, emulator)
