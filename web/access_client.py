"""What the panel asks of the daemon about who may sign in, and how: the second step, and the log of who did what."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink


class AccessClient(GatewayLink):
    """One method per operation of the contract."""

    def finish_sign_in(self, asker: Asker, *, ticket: str, code: str) -> dict[str, Any]:
        """A new session, for the ticket that a right password has got."""
        return self._object(asker, "POST", "/api/v1/sessions/code", body={"ticket": ticket, "code": code})

    def own_second_step(self, asker: Asker) -> dict[str, Any]:
        """How it stands with the asker's."""
        return self._object(asker, "GET", "/api/v1/me/second-step")

    def offer_second_step(self, asker: Asker, password: str) -> dict[str, Any]:
        """A new secret for the asker's phone."""
        return self._object(asker, "POST", "/api/v1/me/second-step", body={"password": password})

    def confirm_second_step(self, asker: Asker, code: str) -> list[str]:
        """Switch it on with the first code: the spare codes."""
        return list(self._object(asker, "PUT", "/api/v1/me/second-step", body={"code": code})["recovery_codes"])

    def renew_recovery_codes(self, asker: Asker, password: str) -> list[str]:
        """Other spare codes."""
        body = {"password": password}
        return list(self._object(asker, "POST", "/api/v1/me/second-step/recovery-codes", body=body)["recovery_codes"])

    def end_second_step(self, asker: Asker, password: str) -> None:
        """Ask the asker for no code any more."""
        self._ask(asker, "POST", "/api/v1/me/second-step/off", body={"password": password})

    def end_second_step_of(self, asker: Asker, user_id: str) -> None:
        """Ask a person for no code any more."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}/second-step", id=user_id)

    def second_step_roles(self, asker: Asker) -> list[str]:
        """Which roles need it."""
        return list(self._object(asker, "GET", "/api/v1/second-step")["roles"])

    def require_second_step(self, asker: Asker, roles: list[str]) -> None:
        """Say which roles need it."""
        self._ask(asker, "PUT", "/api/v1/second-step", body={"roles": roles})

    def tokens_of(self, asker: Asker, user_id: str) -> list[dict[str, Any]]:
        """The tokens for programs that a person has made."""
        return list(self._object(asker, "GET", "/api/v1/users/{id}/tokens", id=user_id)["items"])

    def revoke_token_of(self, asker: Asker, user_id: str, token_id: str) -> None:
        """End a token that a person has made."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}/tokens/{token}", id=user_id, token=token_id)

    def wrong_passwords(self, asker: Asker) -> dict[str, Any]:
        """Who has given some of late, and is shut out for it."""
        return self._object(asker, "GET", "/api/v1/security")

    def lift_ban(self, asker: Asker, host: str) -> None:
        """Hear an address again."""
        self._ask(asker, "DELETE", "/api/v1/security/bans/{host}", host=host)

    def open_phone(self, asker: Asker, extension: str) -> None:
        """Let a phone sign in from anywhere again."""
        self._ask(asker, "POST", "/api/v1/security/phones/{extension}/open", extension=extension)

    def audit(self, asker: Asker, **query: str | int | None) -> dict[str, Any]:
        """A page of who did what."""
        return self._object(asker, "GET", "/api/v1/audit", query=query)

    def audit_table(self, asker: Asker, **query: str | int | None) -> str:
        """The same as CSV, all of it."""
        return str(self._ask(asker, "GET", "/api/v1/audit", query={**query, "format": "csv"}))

    def audit_check(self, asker: Asker) -> dict[str, Any]:
        """Whether a row was changed or removed."""
        return self._object(asker, "GET", "/api/v1/audit/check")
