"""Messages to programs and people outside that did not arrive."""

from __future__ import annotations

from flask import flash

from web.gateway_client import Refused
from web.reader import asker, client
from web.translation import gettext


def try_again(delivery_id: str) -> None:
    """Have it sent once more, and tell the reader."""
    try:
        client().retry_delivery(asker(), delivery_id)
    except Refused as refusal:
        if refusal.status != 409:
            raise
        flash(gettext("It is being sent, or has already arrived."))
    else:
        flash(gettext("It is being sent again; reload the page in a few seconds."))
