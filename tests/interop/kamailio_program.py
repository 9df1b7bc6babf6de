"""Kamailio as a program that can be stopped and started again at the same port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

import pytest

from gateway.demo.free_port import free_port
from gateway.sip import registration
from gateway.sip.certificate import make_certificate
from tests.fakes.sip_registrar import SHOP_PASSWORD

_CONFIGS = Path(__file__).parent / "kamailio"
_SECURITY = """loadmodule "tls.so"
modparam("tls", "certificate", "DIRECTORY/kamailio.pem")
modparam("tls", "private_key", "DIRECTORY/kamailio.key")
modparam("tls", "tls_method", "TLSv1.2+")"""


class Kamailio:
    """`name` is the configuration; `customer` is the port that calls to outside are relayed to; it may speak TLS."""

    def __init__(self, directory: Path, name: str, customer: int, *, secure: bool = False) -> None:
        self.port = 0
        """For datagrams, and for TLS as well."""
        self.certificate = directory / "kamailio.pem"
        self._directory = directory
        self._name = name
        self._customer = customer
        self._secure = secure
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it; the first time at a free port, another one when somebody else was quicker to take it."""
        if self._secure:
            make_certificate(self.certificate, self._directory / "kamailio.key", ("127.0.0.1",))
        for _ in range(1 if self.port else 5):
            port = self.port or free_port(socket.SOCK_DGRAM)
            file = f"{self._name}.cfg"
            (self._directory / file).write_text(self._configuration(port))
            files = ["-f", file, "-Y", str(self._directory), "-P", "kamailio.pid", "-m", "16", "-M", "4"]
            # One that was ended by a signal may leave its number behind, which by now may be another program's.
            (self._directory / "kamailio.pid").unlink(missing_ok=True)
            with (self._directory / "kamailio.log").open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    "/usr/sbin/kamailio", "-DD", "-E", *files, cwd=self._directory, stdout=DEVNULL, stderr=log
                )
            try:
                await asyncio.wait_for(process.wait(), 1.0)
            except TimeoutError:
                self.port, self._process = port, process
                return
        log_text = (self._directory / "kamailio.log").read_text(errors="replace")
        raise AssertionError(f"Kamailio does not start: {log_text[-2000:]}")

    async def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            process, self._process = self._process, None
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()

    def _configuration(self, port: int) -> str:
        listen = [f"listen=udp:127.0.0.1:{port}", "disable_tcp=yes"]
        if self._secure:
            listen = [f"listen=udp:127.0.0.1:{port}", "enable_tls=yes", f"listen=tls:127.0.0.1:{port}"]
        text = (_CONFIGS / f"{self._name}.cfg").read_text()
        text = text.replace("SECURITY", _SECURITY.replace("DIRECTORY", str(self._directory)) if self._secure else "")
        for word, value in (
            ("LISTEN", "\n".join(listen)),
            ("PORT", str(port)),
            ("PASSWORD", SHOP_PASSWORD),
            ("CUSTOMER", str(self._customer)),
        ):
            text = text.replace(word, value)
        return text


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage is noticed after some seconds: the real intervals are for tests in virtual time."""
    monkeypatch.setattr(registration, "KEEP_ALIVE_SECONDS", 2.0)
    monkeypatch.setattr(registration, "KEEP_ALIVE_PATIENCE_SECONDS", 2.0)
