"""What the panel asks of the daemon about who signs in: people, their sessions, and tokens for programs."""

from __future__ import annotations

from typing import Any

from web.gateway_link import Asker, GatewayLink


class AccountClient(GatewayLink):
    """One method per operation of the contract."""

    def setup_needed(self, asker: Asker) -> bool:
        """There is no owner yet."""
        return bool(self._ask(asker, "GET", "/api/v1/setup")["needed"])

    def set_up(self, asker: Asker, *, code: str, name: str, password: str) -> dict[str, Any]:
        """Make the owner; a session has begun."""
        body = {"code": code, "name": name, "password": password}
        return self._object(asker, "POST", "/api/v1/setup", body=body)

    def sign_in(self, asker: Asker, *, name: str, password: str) -> dict[str, Any]:
        """A new session."""
        return self._object(asker, "POST", "/api/v1/sessions", body={"name": name, "password": password})

    def sign_out(self, asker: Asker) -> None:
        """End the asker's session."""
        self._ask(asker, "DELETE", "/api/v1/sessions/{id}", id="current")

    def me(self, asker: Asker) -> dict[str, Any]:
        """Who asks: name, role, scopes, and the courier whom the person is."""
        return self._object(asker, "GET", "/api/v1/me")

    def set_own_password(self, asker: Asker, *, old: str, new: str) -> None:
        """Another password for the asker; every other session of theirs ends."""
        self._ask(asker, "PUT", "/api/v1/me/password", body={"old": old, "new": new})

    def sessions(self, asker: Asker) -> list[dict[str, Any]]:
        """Where the asker is signed in."""
        return list(self._object(asker, "GET", "/api/v1/sessions")["items"])

    def end_session(self, asker: Asker, session_id: str) -> None:
        """Sign the asker out somewhere."""
        self._ask(asker, "DELETE", "/api/v1/sessions/{id}", id=session_id)

    def users(self, asker: Asker) -> list[dict[str, Any]]:
        """Everybody who may sign in."""
        return list(self._object(asker, "GET", "/api/v1/users")["items"])

    def add_user(self, asker: Asker, *, name: str, password: str, role: str, courier: str | None) -> None:
        """Let one more person in."""
        body = {"name": name, "password": password, "role": role, "courier": courier}
        self._ask(asker, "POST", "/api/v1/users", body=body)

    def change_user(self, asker: Asker, user_id: str, *, role: str, courier: str | None) -> None:
        """Give a person another role."""
        self._ask(asker, "PUT", "/api/v1/users/{id}", body={"role": role, "courier": courier}, id=user_id)

    def remove_user(self, asker: Asker, user_id: str) -> None:
        """Let a person in no more."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}", id=user_id)

    def set_password(self, asker: Asker, user_id: str, password: str) -> None:
        """Another password for a person."""
        self._ask(asker, "PUT", "/api/v1/users/{id}/password", body={"password": password}, id=user_id)

    def sessions_of(self, asker: Asker, user_id: str) -> list[dict[str, Any]]:
        """Where a person is signed in."""
        return list(self._object(asker, "GET", "/api/v1/users/{id}/sessions", id=user_id)["items"])

    def end_session_of(self, asker: Asker, user_id: str, session_id: str) -> None:
        """Sign a person out somewhere."""
        self._ask(asker, "DELETE", "/api/v1/users/{id}/sessions/{session}", id=user_id, session=session_id)

    def tokens(self, asker: Asker) -> list[dict[str, Any]]:
        """The asker's tokens for programs."""
        return list(self._object(asker, "GET", "/api/v1/tokens")["items"])

    def make_token(self, asker: Asker, *, name: str, scopes: list[str], expires_at: str | None) -> dict[str, Any]:
        """A new token, told once."""
        body = {"name": name, "scopes": scopes, "expires_at": expires_at}
        return self._object(asker, "POST", "/api/v1/tokens", body=body)

    def revoke_token(self, asker: Asker, token_id: str) -> None:
        """End a token."""
        self._ask(asker, "DELETE", "/api/v1/tokens/{id}", id=token_id)
