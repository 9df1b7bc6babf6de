"""First set-up, sessions and tokens."""

from __future__ import annotations

from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.passwords import LONGEST, check_password
from gateway.api.problems import (
    NotFound,
    NotSignedIn,
    SetupDone,
    SetupNeeded,
    TooManyTries,
    WrongCode,
    WrongCredentials,
    WrongSetupCode,
)
from gateway.api.seams import Accounts, NewSession, SessionRow, TokenRow
from gateway.api.throttle import Throttle
from gateway.clock import wire_time

LONGEST_CODE = 40
SCOPES = frozenset({"read", "calls", "orders", "shop", "admin"})
"""What a token may be made for; a person's own matters are not for programs."""
_SETUP_ACCOUNT = "setup code"


class AccountRoutes:
    """The handlers; `accounts` does the work."""

    def __init__(self, accounts: Accounts, throttle: Throttle) -> None:
        self._accounts = accounts
        self._throttle = throttle

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/setup", self._get_setup),
            web.post("/api/v1/setup", self._post_setup),
            web.post("/api/v1/sessions", self._post_session),
            web.post("/api/v1/sessions/code", self._post_code),
            web.get("/api/v1/sessions", self._get_sessions),
            web.delete("/api/v1/sessions/{id}", self._delete_session),
            web.get("/api/v1/tokens", self._get_tokens),
            web.post("/api/v1/tokens", self._post_token),
            web.delete("/api/v1/tokens/{id}", self._delete_token),
        ]

    async def _get_setup(self, _request: web.Request) -> web.Response:
        return web.json_response({"needed": await self._accounts.needs_setup()})

    async def _post_setup(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"code", "name", "password"}))
        code = bodies.string(body, "code", longest=100).strip()
        name = bodies.string(body, "name", longest=64, shortest=1).strip()
        password = bodies.string(body, "password", longest=LONGEST)
        if not name:
            raise bodies.bad_request("The field 'name' is empty.")
        if not await self._accounts.needs_setup():
            raise SetupDone("There is an owner already.")
        check_password(password, name=name)
        address = client_address(request)
        self._count_try(address, _SETUP_ACCOUNT)
        if not await self._accounts.set_up(code=code, name=name, password=password):
            raise WrongSetupCode("The setup code is wrong.")
        self._throttle.succeeded(address=address, account=_SETUP_ACCOUNT)
        return await self._sign_in(request, name, password)

    async def _post_session(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"name", "password"}))
        name = bodies.string(body, "name", longest=64).strip()
        password = bodies.string(body, "password", longest=LONGEST)
        if await self._accounts.needs_setup():
            raise SetupNeeded("There is no owner yet.")
        address = client_address(request)
        self._count_try(address, name.casefold())
        response = await self._sign_in(request, name, password)
        self._throttle.succeeded(address=address, account=name.casefold())
        return response

    async def _sign_in(self, request: web.Request, name: str, password: str) -> web.Response:
        session = await self._accounts.sign_in(
            name=name,
            password=password,
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:200],
        )
        if session is None:
            raise WrongCredentials("The name or the password is wrong.")
        if session.needs_code:
            ticket = {"ticket": session.token, "expires_at": wire_time(session.expires_at)}
            return web.json_response(ticket, status=202, headers={"Cache-Control": "no-store"})
        return web.json_response(_newsession_wire(session, name), status=201, headers={"Cache-Control": "no-store"})

    async def _post_code(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"ticket", "code"}))
        ticket, code = bodies.string(body, "ticket", longest=100), bodies.string(body, "code", longest=LONGEST_CODE)
        user_id = self._accounts.ticket_of(ticket)
        if user_id is None:
            raise NotSignedIn("The password must be given anew.")
        address = client_address(request)
        self._count_try(address, user_id)
        seconds = self._accounts.second_steps.wait_seconds(user_id)
        session = await self._accounts.finish_sign_in(
            ticket=ticket, code=code, address=address, user_agent=request.headers.get("User-Agent", "")[:200]
        )
        if session is None and seconds > 0:
            raise TooManyTries(f"Try again in {seconds} s.", seconds=seconds)
        if session is None:
            raise WrongCode("The code is wrong.")
        self._throttle.succeeded(address=address, account=user_id)
        name = next((user.name for user in await self._accounts.users() if user.id == user_id), "")
        return web.json_response(_newsession_wire(session, name), status=201, headers={"Cache-Control": "no-store"})

    async def _get_sessions(self, request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        rows = await self._accounts.sessions(principal.user_id)
        return web.json_response({"items": [session_wire(row, principal.session_id) for row in rows]})

    async def _delete_session(self, request: web.Request) -> web.Response:
        principal = request[PRINCIPAL]
        wanted = request.match_info["id"]
        session_id = principal.session_id if wanted == "current" else wanted
        if session_id is None or not await self._accounts.sign_out(principal.user_id, session_id):
            raise NotFound("There is no such session.")
        return web.Response(status=204)

    async def _get_tokens(self, request: web.Request) -> web.Response:
        rows = await self._accounts.tokens(request[PRINCIPAL].user_id)
        return web.json_response({"items": [token_wire(row) for row in rows]})

    async def _post_token(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"name", "scopes", "expires_at"}))
        row, token = await self._accounts.create_token(
            request[PRINCIPAL].user_id,
            name=bodies.string(body, "name", longest=64, shortest=1),
            scopes=bodies.strings(body, "scopes", choices=SCOPES),
            expires_at=bodies.moment(body, "expires_at"),
        )
        return web.json_response({**token_wire(row), "token": token}, status=201, headers={"Cache-Control": "no-store"})

    async def _delete_token(self, request: web.Request) -> web.Response:
        if not await self._accounts.revoke_token(request[PRINCIPAL].user_id, request.match_info["id"]):
            raise NotFound("There is no such token.")
        return web.Response(status=204)

    def _count_try(self, address: str, account: str) -> None:
        seconds = self._throttle.wait_seconds(address=address, account=account)
        if seconds > 0:
            raise TooManyTries(f"Try again in {seconds} s.", seconds=seconds)
        self._throttle.failed(address=address, account=account)


def _newsession_wire(session: NewSession, name: str) -> dict[str, object]:
    return {"id": session.id, "token": session.token, "name": name, "expires_at": wire_time(session.expires_at)}


def session_wire(row: SessionRow, current: str | None) -> dict[str, object]:
    """The schema `Session`."""
    return {
        "id": row.id,
        "created_at": wire_time(row.created_at),
        "last_used_at": wire_time(row.last_used_at),
        "expires_at": wire_time(row.expires_at),
        "address": row.address,
        "user_agent": row.user_agent,
        "current": row.id == current,
    }


def token_wire(row: TokenRow) -> dict[str, object]:
    """The schema `Token`."""
    return {
        "id": row.id,
        "name": row.name,
        "scopes": sorted(row.scopes),
        "created_at": wire_time(row.created_at),
        "last_used_at": wire_time(row.last_used_at) if row.last_used_at else None,
        "expires_at": wire_time(row.expires_at) if row.expires_at else None,
    }
