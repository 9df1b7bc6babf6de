"""The door for phones: their files by plain HTTP, because a desk phone trusts no certificate that we could make.

Nothing but those files is served here: the word in a path, which the owner has asked for, is the permission.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket

from web.gateway_client import Asker, GatewayAway, GatewayClient, Refused

MOST_AT_ONCE = 16
SILENT_SECONDS = 10.0

_PATH = re.compile(r"/([\w-]{8,64})/([\w.-]{1,64})", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:]{2,45}\])(?::[0-9]{1,5})?")


class PhoneFiles(ThreadingHTTPServer):
    """Serves from a thread of its own, from `start` on, for as long as the process lives.

    `bind` is host:port; the host "lan" answers private addresses only, on all of ours.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, bind: str, client: GatewayClient) -> None:
        host, _, port = bind.rpartition(":")
        self.client = client
        self.only_private = host == "lan"
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(("0.0.0.0" if self.only_private else host.strip("[]"), int(port)), _Answer)

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, name="phone files", daemon=True).start()

    def process_request(self, request: socket | tuple[bytes, socket], client_address: tuple[str, int]) -> None:
        """One more connection, if there is room for it."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: tuple[str, int]) -> None:
        """In the connection's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


class _Answer(BaseHTTPRequestHandler):
    server: PhoneFiles
    server_version = "simbridge"
    sys_version = ""
    timeout = SILENT_SECONDS

    def do_GET(self) -> None:
        """A file, or 404 without a reason."""
        status, media_type, content = self._find()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        """What GET would say."""
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: the words in the paths are secrets, and the daemon logs who was given what."""

    def _find(self) -> tuple[int, str, bytes]:
        nothing = (404, "text/plain", b"")
        source = ipaddress.ip_address(self.client_address[0].partition("%")[0])
        path = _PATH.fullmatch(self.path)
        host = self.headers.get("Host", "")
        if path is None or not _HOST.fullmatch(host) or (self.server.only_private and not source.is_private):
            return nothing
        asker = Asker(address=self.client_address[0], user_agent=self.headers.get("User-Agent", ""))
        try:
            media_type, content = self.server.client.setup_file(asker, path[1], path[2], base=f"http://{host}/")
        except Refused:
            return nothing
        except GatewayAway:
            return 503, "text/plain", b""
        return 200, f"{media_type}; charset=utf-8", content
