"""Setting up phones: the owner opens the files of one, and the phone fetches them."""

from __future__ import annotations

import logging
from datetime import timedelta

from aiohttp import web

from gateway.api.auth import PRINCIPAL, client_address
from gateway.api.bodies import bad_request
from gateway.api.problems import NotFound
from gateway.api.seams import PhoneSetup
from gateway.clock import utc_now, wire_time

log = logging.getLogger(__name__)

LONGEST_NAME = 64
LONGEST_BASE = 400


class SetupRoutes:
    """The handlers."""

    def __init__(self, phone_setup: PhoneSetup) -> None:
        self._setup = phone_setup

    def routes(self) -> list[web.RouteDef]:
        """For the router."""
        return [
            web.post("/api/v1/phones/{extension}/setup", self._post_setup),
            web.delete("/api/v1/phones/{extension}/setup", self._delete_setup),
            web.get("/api/v1/setup-files/{token}/{name}", self._get_file),
        ]

    async def _post_setup(self, request: web.Request) -> web.Response:
        extension = request.match_info["extension"]
        opened = self._setup.open(extension)
        if opened is None:
            raise NotFound("There is no such phone.")
        log.info("%s lets phone %s be set up for an hour.", request[PRINCIPAL].name, extension)
        answer = {
            "token": opened.token,
            "expires_at": wire_time(utc_now() + timedelta(seconds=opened.seconds)),
            "files": opened.files,
        }
        return web.json_response(answer, status=201, headers={"Cache-Control": "no-store"})

    async def _delete_setup(self, request: web.Request) -> web.Response:
        if not self._setup.close(request.match_info["extension"]):
            raise NotFound("The files of this phone are not open.")
        return web.Response(status=204)

    async def _get_file(self, request: web.Request) -> web.Response:
        token, name = request.match_info["token"], request.match_info["name"]
        base = request.query.get("base", "")
        if max(len(token), len(name)) > LONGEST_NAME or len(base) > LONGEST_BASE:
            raise NotFound("There is no such file.")
        try:
            document = self._setup.fetch(token, name, base)
        except ValueError as error:
            raise bad_request("The field 'base' is not the place of a phone's files.") from error
        if document is None:
            log.info("%s asked for the file %.64r of a phone, which it may not have.", client_address(request), name)
            raise NotFound("There is no such file.")
        if document.is_secret:
            log.info("Phone %s was set up from %s.", document.extension, client_address(request))
        return web.Response(text=document.text, content_type=document.media_type, headers={"Cache-Control": "no-store"})
