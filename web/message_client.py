"""What the panel asks of the daemon about SMS and the codes of operators."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink

_OPERATOR_SECONDS = 80.0
"""A mobile network answers a code within a minute, or not at all."""


class MessageClient(GatewayLink):
    """One method per operation of the contract."""

    def messages(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of SMS."""
        return self._object(asker, "GET", "/api/v1/messages", query=query)

    def send_message(self, asker: Asker, *, to: str, text: str, line: str | None, key: str) -> dict[str, Any]:
        """Have an SMS sent; however often it is asked for with the same `key`, it is one."""
        body = {"to": to, "text": text, "line": line}
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/messages", body=body, headers={"Idempotency-Key": key}
        )
        return answer

    def cancel_message(self, asker: Asker, message_id: str) -> None:
        """Take back an SMS that waits."""
        self._ask(asker, "POST", "/api/v1/messages/{id}/cancel", id=message_id)

    def send_message_again(self, asker: Asker, message_id: str) -> None:
        """Let an SMS that came to nothing, or to nobody knows what, wait again."""
        self._ask(asker, "POST", "/api/v1/messages/{id}/again", id=message_id)

    def ask_ussd(self, asker: Asker, line: str, text: str) -> dict[str, Any]:
        """Send a USSD code, or an answer in an open session."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/lines/{name}/ussd", body={"text": text}, seconds=_OPERATOR_SECONDS, name=line
        )
        return answer

    def ask_balance(self, asker: Asker, line: str) -> dict[str, Any]:
        """Ask the operator for the line's money."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/lines/{name}/balance", seconds=_OPERATOR_SECONDS, name=line
        )
        return answer
