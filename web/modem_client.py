"""What the panel asks of the daemon about one modem, for whoever looks after it."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink

_ANSWER_SECONDS = 20.0
"""A modem answers in its turn; one that is restarted lets a call end well first."""
_PIN_SECONDS = 35.0
"""A SIM may take long over its PIN."""


class ModemClient(GatewayLink):
    """One method per operation of the contract."""

    def modem(self, asker: Asker, name: str) -> dict[str, Any]:
        """What can be done with it now."""
        return self._object(asker, "GET", "/api/v1/modems/{name}", name=name)

    def modem_vitals(self, asker: Asker, name: str) -> dict[str, Any]:
        """What it says of itself: how warm it is, its band, its SMS centre."""
        return self._object(asker, "GET", "/api/v1/modems/{name}/vitals", name=name)

    def modem_dialogue(self, asker: Asker, name: str) -> list[dict[str, str]]:
        """Its last lines, the oldest first."""
        lines: list[dict[str, str]] = self._object(asker, "GET", "/api/v1/modems/{name}/dialogue", name=name)["lines"]
        return lines

    def ask_modem(self, asker: Asker, name: str, question: str) -> dict[str, Any]:
        """What it answers to one of its questions."""
        body = {"question": question}
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/modems/{name}/questions", body=body, name=name, seconds=_ANSWER_SECONDS
        )
        return answer

    def restart_modem(self, asker: Asker, name: str, step: str, *, ends_call: bool) -> None:
        """Begin to restart it."""
        body = {"step": step, "ends_call": ends_call}
        self._ask(asker, "POST", "/api/v1/modems/{name}/restart", body=body, name=name, seconds=_ANSWER_SECONDS)

    def enter_pin(self, asker: Asker, name: str, pin: str, *, keeps: bool, last_try: bool) -> None:
        """Give its SIM the PIN."""
        body = {"pin": pin, "keeps": keeps, "last_try": last_try}
        self._ask(asker, "PUT", "/api/v1/modems/{name}/pin", body=body, name=name, seconds=_PIN_SECONDS)

    def forget_pin(self, asker: Asker, name: str) -> None:
        """Keep the PIN of its SIM no longer."""
        self._ask(asker, "DELETE", "/api/v1/modems/{name}/pin", name=name)
