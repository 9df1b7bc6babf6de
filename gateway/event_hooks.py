"""Programs that are told what happens in the shop: those of gateway.toml, and beside them those of the panel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.api.event_hook_routes import EventHookDesk
from gateway.clock import utc_now
from gateway.errors import SettingsError
from gateway.events import RecordingFinished
from gateway.jobs import Promises
from gateway.messaging.event_news import EventNews
from gateway.messaging.event_post import EventPost
from gateway.messaging.outside import Outside
from gateway.store.store import Store
from gateway.telephony.event_hooks import EventHook, EventHooksView, Happening
from gateway.telephony.shop import ShopView
from gateway.webhook_settings import WebhookSettings


async def event_post(
    settings: Sequence[WebhookSettings], outside: Outside, kept: EventHooksView, shop: ShopView
) -> EventPost:
    """The way to all of them. Raises SettingsError."""
    of_file = await asyncio.to_thread(lambda: tuple(_hook_of_file(each) for each in settings))
    return EventPost(hooks=lambda: (*of_file, *kept()), ask=outside.ask, clock=utc_now, shop=shop)


def news_of(programs: EventPost, promises: Promises, store: Store, mended: Iterable[RecordingFinished]) -> EventNews:
    """What is to follow the bus; programs are told first what the crash before this start has cut off."""
    news = EventNews(programs.hooks, promises, shop=store.shop, orders=store.orders.alive, clock=utc_now)
    store.orders.tell(news.orders_changed)
    news.cut_off(store.cut_off_calls, mended)
    return news


def desk_of(programs: EventPost, store: Store) -> EventHookDesk:
    """What the API shows, changes and tries of them."""
    return EventHookDesk(kept=store.event_hooks, in_use=programs.hooks, try_out=programs.try_out)


def _hook_of_file(settings: WebhookSettings) -> EventHook:
    """As gateway.toml says. Raises SettingsError when its file cannot be read, or is empty."""
    try:
        secret = Path(settings.secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"The file {settings.secret_file} of [[webhooks]] cannot be read: {fault}") from fault
    if not secret:
        raise SettingsError(f"The file {settings.secret_file} of [[webhooks]] is empty.")
    return EventHook(
        id=settings.name,
        name=settings.name,
        url=settings.url,
        secret=secret,
        events=tuple(Happening(each) for each in settings.events),
        panel=settings.panel,
        of_file=True,
    )
