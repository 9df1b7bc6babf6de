"""What the panel asks of the daemon in the first run: emulated modems, and a provider's account tried."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink

_CHANGING_SECONDS = 40.0
_TRYING_SECONDS = 20.0


class FirstRunClient(GatewayLink):
    """One method per operation of the contract."""

    def emulated_modems(self, asker: Asker) -> dict[str, Any]:
        """Whether they run, and whether they may."""
        return self._object(asker, "GET", "/api/v1/emulated-modems")

    def begin_emulated_modems(self, asker: Asker) -> None:
        """Have them, with lines and a courier."""
        self._ask(asker, "PUT", "/api/v1/emulated-modems", seconds=_CHANGING_SECONDS)

    def end_emulated_modems(self, asker: Asker) -> None:
        """Have them and all that was tried on them gone."""
        self._ask(asker, "DELETE", "/api/v1/emulated-modems", seconds=_CHANGING_SECONDS)

    def try_trunk(self, asker: Asker, account: dict[str, str]) -> dict[str, Any]:
        """What a provider says to an account: `state`, and `reason`."""
        answer: dict[str, Any] = self._ask(
            asker, "POST", "/api/v1/shop/trunk-trial", body=account, seconds=_TRYING_SECONDS
        )
        return answer

    def begin_test_call(self, asker: Asker, extension: str) -> str:
        """Ring a phone; the id of the call."""
        return str(self._object(asker, "POST", "/api/v1/test-calls", body={"extension": extension})["call"])

    def begin_line_test_call(self, asker: Asker, line: str, *, number: str, key: str) -> str:
        """Have a line call a number, once for each `key`; the id of the call."""
        headers = {"Idempotency-Key": key}
        answer = self._ask(
            asker, "POST", "/api/v1/lines/{name}/test-calls", body={"number": number}, headers=headers, name=line
        )
        return str(answer["call"])

    def test_call(self, asker: Asker, call: str) -> dict[str, Any]:
        """How far it is, and what is known of both ways."""
        return self._object(asker, "GET", "/api/v1/test-calls/{id}", id=call)
