"""Who may sign in: oneself, the other people, and their sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from gateway.api import bodies
from gateway.api.account_routes import session_wire, token_wire
from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.passwords import LONGEST, check_password
from gateway.api.problems import NotFound, TooManyTries, WrongCredentials
from gateway.api.seams import Accounts, UserRow
from gateway.api.throttle import Throttle
from gateway.clock import wire_time

ROLES = ("owner", "admin", "operator", "courier", "viewer")


class UserRoutes:
    """The handlers. `is_courier` tells whether an extension is a courier of the shop."""

    def __init__(self, accounts: Accounts, is_courier: Callable[[str], bool]) -> None:
        self._accounts = accounts
        self._is_courier = is_courier
        self._throttle = Throttle(lambda: asyncio.get_running_loop().time())

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/me", self._get_me),
            web.put("/api/v1/me/password", self._put_own_password),
            web.get("/api/v1/users", self._get_users),
            web.post("/api/v1/users", self._post_user),
            web.put("/api/v1/users/{id}", self._put_user),
            web.delete("/api/v1/users/{id}", self._delete_user),
            web.put("/api/v1/users/{id}/password", self._put_password),
            web.get("/api/v1/users/{id}/sessions", self._get_sessions),
            web.delete("/api/v1/users/{id}/sessions/{session}", self._delete_session),
            web.get("/api/v1/users/{id}/tokens", self._get_tokens),
            web.delete("/api/v1/users/{id}/tokens/{token}", self._delete_token),
        ]

    async def _get_me(self, request: web.Request) -> web.Response:
        who = request[PRINCIPAL]
        return web.json_response(
            {
                "id": who.user_id,
                "name": who.name,
                "role": who.role,
                "scopes": sorted(who.scopes),
                "courier": who.courier,
                "session_id": who.session_id,
            },
            headers={"Cache-Control": "no-store"},
        )

    async def _put_own_password(self, request: web.Request) -> web.Response:
        who = request[PRINCIPAL]
        body = await bodies.json_object(request, allowed=frozenset({"old", "new"}))
        old, new = (bodies.string(body, name, longest=LONGEST) for name in ("old", "new"))
        check_password(new, name=who.name)
        address = client_address(request)
        seconds = self._throttle.wait_seconds(address=address, account=who.user_id)
        if seconds > 0:
            raise TooManyTries(f"Try again in {seconds} s.", seconds=seconds)
        self._throttle.failed(address=address, account=who.user_id)
        if who.session_id is None or not await self._accounts.knows_password(who.user_id, old):
            raise WrongCredentials("The old password is wrong.")
        self._throttle.succeeded(address=address, account=who.user_id)
        await self._accounts.set_password(who.user_id, new, by=who.user_id, keep=who.session_id)
        return web.Response(status=204)

    async def _get_users(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": [self._wire(user) for user in await self._accounts.users()]})

    async def _post_user(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"name", "password", "role", "courier"}))
        name = bodies.string(body, "name", longest=64, shortest=1).strip()
        password = bodies.string(body, "password", longest=LONGEST)
        role, courier = self._role_of(body)
        if not name:
            raise bodies.bad_request("The field 'name' is empty.")
        check_password(password, name=name)
        by = request[PRINCIPAL].user_id
        user = await self._accounts.add_user(name=name, password=password, role=role, courier=courier, by=by)
        return web.json_response(self._wire(user), status=201)

    async def _put_user(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"role", "courier"}))
        role, courier = self._role_of(body)
        by = request[PRINCIPAL].user_id
        user = await self._accounts.change_user(request.match_info["id"], role=role, courier=courier, by=by)
        if user is None:
            raise NotFound("There is no such user.")
        return web.json_response(self._wire(user))

    async def _delete_user(self, request: web.Request) -> web.Response:
        if not await self._accounts.remove_user(request.match_info["id"], by=request[PRINCIPAL].user_id):
            raise NotFound("There is no such user.")
        return web.Response(status=204)

    async def _put_password(self, request: web.Request) -> web.Response:
        body = await bodies.json_object(request, allowed=frozenset({"password"}))
        password = bodies.string(body, "password", longest=LONGEST)
        user = await self._user(request)
        check_password(password, name=user.name)
        await self._accounts.set_password(user.id, password, by=request[PRINCIPAL].user_id)
        return web.Response(status=204)

    async def _get_sessions(self, request: web.Request) -> web.Response:
        rows = await self._accounts.sessions((await self._user(request)).id)
        current = request[PRINCIPAL].session_id
        return web.json_response({"items": [session_wire(row, current) for row in rows]})

    async def _delete_session(self, request: web.Request) -> web.Response:
        user_id, session_id = request.match_info["id"], request.match_info["session"]
        if not await self._accounts.sign_out(user_id, session_id, by=request[PRINCIPAL].name):
            raise NotFound("There is no such session.")
        return web.Response(status=204)

    async def _get_tokens(self, request: web.Request) -> web.Response:
        rows = await self._accounts.tokens((await self._user(request)).id)
        return web.json_response({"items": [token_wire(row) for row in rows]})

    async def _delete_token(self, request: web.Request) -> web.Response:
        user_id, token_id = request.match_info["id"], request.match_info["token"]
        if not await self._accounts.revoke_token(user_id, token_id, by=request[PRINCIPAL].name):
            raise NotFound("There is no such token.")
        return web.Response(status=204)

    async def _user(self, request: web.Request) -> UserRow:
        for user in await self._accounts.users():
            if user.id == request.match_info["id"]:
                return user
        raise NotFound("There is no such user.")

    def _role_of(self, body: dict[str, object]) -> tuple[str, str | None]:
        """The role, and with the role of a courier the extension of one."""
        role = bodies.string(body, "role", longest=16)
        if role not in ROLES:
            raise bodies.bad_request(f"The field 'role' must be one of: {', '.join(ROLES)}.")
        if role != "courier":
            if body.get("courier") is not None:
                raise bodies.bad_request("The field 'courier' belongs to the role of a courier.")
            return role, None
        courier = bodies.string(body, "courier", longest=16, shortest=1)
        if not self._is_courier(courier):
            raise bodies.bad_request("The field 'courier' must be the extension of a courier of the shop.")
        return role, courier

    def _wire(self, user: UserRow) -> dict[str, object]:
        return {
            "id": user.id,
            "name": user.name,
            "role": str(user.role),
            "courier": user.courier,
            "created_at": wire_time(user.created_at),
            "second_step": self._accounts.second_steps.is_on(user.id),
            "last_sign_in": wire_time(last) if (last := self._accounts.last_sign_in(user.id)) is not None else None,
        }
