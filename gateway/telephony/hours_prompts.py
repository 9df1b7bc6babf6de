"""When the shop opens, as prompts one after the other (A4): "we are open again", "on Monday", "at nine o'clock"."""

from __future__ import annotations

from datetime import datetime, tzinfo

from gateway.telephony.schedule import WEEKDAYS, Opening


def opens_prompts(opening: Opening, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """The keys; none when it opens later than in six days, or at neither a full nor a half hour: nothing false is said.

    `now` is aware, `zone` the shop's.
    """
    if opening.opens_at is None:
        return ()
    local = opening.opens_at.astimezone(zone)
    days = (local.date() - now.astimezone(zone).date()).days
    if local.minute not in (0, 30) or not 0 <= days <= 6:
        return ()
    day = ("day-today", "day-tomorrow")[days] if days < 2 else f"day-{WEEKDAYS[local.weekday()]}"
    return ("opens-again", day, f"at-{local:%H%M}")
