"""What the panel passes on for a phone in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from web.gateway_link import Asker, GatewayLink

_SILENCE_SECONDS = 20.0
"""The daemon says something every 5 s; after this long it is gone."""


class PhoneClient(GatewayLink):
    """One method per operation of the contract."""

    @contextmanager
    def phone_messages(self, asker: Asker, extension: str) -> Iterator[Iterator[bytes]]:
        """The lines of the stream of messages for a phone, as they come; it is the phone while they are read."""
        path = "/api/v1/phones/{extension}/browser"
        with self._asking(asker, "GET", path, seconds=_SILENCE_SECONDS, extension=extension) as answer:
            yield iter(answer.readline, b"")

    def send_from_phone(self, asker: Asker, tunnel: str, message: str) -> None:
        """Pass one SIP message on."""
        path = "/api/v1/browser-phones/{tunnel}"
        with self._asking(asker, "POST", path, text=message, media_type="message/sip", tunnel=tunnel):
            pass
