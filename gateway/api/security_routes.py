"""Wrong passwords: of SIP phones, with bans and how they are ended, and at the sign-in of the panel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from gateway.api.auth import PRINCIPAL
from gateway.api.problems import NotFound
from gateway.api.throttle import Throttle
from gateway.clock import utc_now, wire_time
from gateway.telephony.failed_logins import FailedHost, FailedLogins, GuessedPhone


@dataclass(frozen=True, slots=True, kw_only=True)
class SipDoor:
    """What these routes need."""

    logins: FailedLogins
    note: Callable[[str, str, str], Awaitable[None]]
    """Has it on record who ended what. Raises StoreError."""


class SecurityRoutes:
    """The handlers."""

    def __init__(self, door: SipDoor, throttle: Throttle) -> None:
        self._logins = door.logins
        self._note = door.note
        self._throttle = throttle

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.get("/api/v1/security", self._get_security),
            web.delete("/api/v1/security/bans/{host}", self._delete_ban),
            web.post("/api/v1/security/phones/{extension}/open", self._post_open),
        ]

    async def _get_security(self, _request: web.Request) -> web.Response:
        now = utc_now()
        tries = [
            {
                "address": each.address,
                "tries": each.tries,
                "last_at": wire_time(now - timedelta(seconds=each.last_seconds_ago)),
                "locked_until": _time(now + timedelta(seconds=each.wait_seconds) if each.wait_seconds else None),
            }
            for each in self._throttle.failures()
        ]
        content = {
            "hosts": [_host_wire(each) for each in self._logins.hosts()],
            "phones": [_phone_wire(each) for each in self._logins.phones()],
            "sign_ins": tries,
        }
        return web.json_response(content, headers={"Cache-Control": "no-store"})

    async def _delete_ban(self, request: web.Request) -> web.Response:
        """On record first: nobody is let in unnoticed."""
        host = request.match_info["host"]
        if not any(each.host == host and each.banned_until for each in self._logins.hosts()):
            raise NotFound("That address is not shut out.")
        await self._note(request[PRINCIPAL].name, "sip-ban.lifted", host)
        self._logins.lift_ban(host)
        return web.Response(status=204)

    async def _post_open(self, request: web.Request) -> web.Response:
        extension = request.match_info["extension"]
        if not any(each.extension == extension and each.closed_until for each in self._logins.phones()):
            raise NotFound("That phone can sign in from anywhere.")
        await self._note(request[PRINCIPAL].name, "sip-phone.opened", extension)
        self._logins.open_phone(extension)
        return web.Response(status=204)


def _host_wire(failed: FailedHost) -> dict[str, object]:
    return {
        "host": failed.host,
        "accounts": list(failed.accounts),
        "failures": failed.failures,
        "last_at": wire_time(failed.last_at),
        "banned_at": _time(failed.banned_at),
        "banned_until": _time(failed.banned_until),
        "bans": failed.bans,
        "phones": list(failed.phones),
    }


def _phone_wire(guessed: GuessedPhone) -> dict[str, object]:
    until = _time(guessed.closed_until)
    return {"extension": guessed.extension, "failures": guessed.failures, "closed_until": until}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else wire_time(moment)
