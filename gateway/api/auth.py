"""Who asks: bearer tokens, the scope each route needs, and signing in."""

from __future__ import annotations

import ipaddress

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.api.contract import scope_of
from gateway.api.problems import Forbidden, NotSignedIn, SecondStepNeeded
from gateway.api.seams import Accounts, Principal

PRINCIPAL = web.RequestKey("principal", Principal)
"""Where handlers find who asks."""

ACCOUNTS = web.AppKey("accounts", Accounts)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request through when its route is open, or its token is good for the route's scope."""
    if request.match_info.http_exception is not None:
        return await handler(request)
    scope = scope_of(request)
    if scope is not None:
        principal = await require_principal(request)
        if scope not in principal.scopes and "admin" not in principal.scopes:
            if principal.lacks_second_step:
                raise SecondStepNeeded("The role needs a second step.")
            raise Forbidden(f"The scope {scope} is needed.", scope=scope)
        request[PRINCIPAL] = principal
    return await handler(request)


async def require_principal(request: web.Request) -> Principal:
    """Who holds the request's token now. Raises NotSignedIn."""
    principal = await request.app[ACCOUNTS].authenticate(_bearer_token(request))
    if principal is None:
        raise NotSignedIn("The token is not good.")
    return principal


def client_address(request: web.Request) -> str:
    """Where the person is. The API listens on loopback, so the panel says it (X-Forwarded-For, one address)."""
    claimed = request.headers.get("X-Forwarded-For", "").strip()
    try:
        return str(ipaddress.ip_address(claimed))
    except ValueError:
        return request.remote or "unknown"


def _bearer_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not 8 <= len(token) <= 256 or not token.isascii():
        raise NotSignedIn("No bearer token was sent.")
    return token
