"""What the panel asks of the daemon about the machine: its state, its backups and their way back, its log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any
from urllib.parse import quote

from web.gateway_link import Asker, GatewayLink, pieces_of

_JUDGING_SECONDS = 960.0
"""As long as the daemon lets the worker look through a backup, and a little."""
_PACKING_SECONDS = 80.0


class SystemClient(GatewayLink):
    """One method per operation of the contract."""

    def system(self, asker: Asker) -> dict[str, Any]:
        """Versions, disk, findings, backups."""
        return self._object(asker, "GET", "/api/v1/system")

    def system_log(self, asker: Asker, *, limit: int) -> list[str]:
        """The last lines of the log, the oldest first."""
        query = {"limit": limit}
        lines: list[str] = self._object(asker, "GET", "/api/v1/system/log", query=query)["lines"]
        return lines

    def backups(self, asker: Asker) -> dict[str, Any]:
        """Which there are, and how far one is that is being made."""
        return self._object(asker, "GET", "/api/v1/backups")

    def begin_backup(self, asker: Asker) -> None:
        """Have one made."""
        self._ask(asker, "POST", "/api/v1/backups")

    @contextmanager
    def backup(self, asker: Asker, name: str) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """The headers and pieces of a backup."""
        with self._asking(asker, "GET", "/api/v1/backups/{name}", name=name) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def keep_passphrase(self, asker: Asker, passphrase: str) -> None:
        """Seal later backups with it."""
        self._ask(asker, "PUT", "/api/v1/backups/passphrase", body={"passphrase": passphrase})

    def read_certificate(self, asker: Asker, certificate: str) -> dict[str, Any]:
        """What a certificate says of itself."""
        return self._object(asker, "POST", "/api/v1/certificate/read", body={"certificate": certificate})

    def keep_certificate(self, asker: Asker, certificate: str) -> dict[str, Any]:
        """Have a certificate of the panel judged, and on record."""
        return self._object(asker, "PUT", "/api/v1/certificate", body={"certificate": certificate})

    def forget_certificate(self, asker: Asker) -> None:
        """Have it on record that the panel shows its own again."""
        self._ask(asker, "DELETE", "/api/v1/certificate")

    @contextmanager
    def support_bundle(self, asker: Asker) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """The headers and pieces of a new support bundle."""
        with self._asking(asker, "GET", "/api/v1/support-bundle", seconds=_PACKING_SECONDS) as answer:
            yield dict(answer.headers.items()), pieces_of(answer)

    def restore_at_setup(self, asker: Asker, file: IO[bytes], *, code: str, passphrase: str) -> dict[str, Any]:
        """Begin with a backup."""
        answer: dict[str, Any] = self._ask(
            asker, "PUT", "/api/v1/setup/restore", file=file, media_type="application/octet-stream",
            headers={"X-Setup-Code": quote(code, safe=""), **_passphrase(passphrase)}, seconds=_JUDGING_SECONDS,
        )  # fmt: skip
        return answer

    def restore(self, asker: Asker, file: IO[bytes], *, passphrase: str) -> dict[str, Any]:
        """Put a backup in the place of everything."""
        answer: dict[str, Any] = self._ask(
            asker, "PUT", "/api/v1/restore", file=file, media_type="application/octet-stream",
            headers=_passphrase(passphrase), seconds=_JUDGING_SECONDS,
        )  # fmt: skip
        return answer

    def test_deliveries(self, asker: Asker) -> int:
        """Have a test delivered to everywhere that alerts go; to how many places."""
        return int(self._object(asker, "POST", "/api/v1/deliveries/test")["places"])

    def playground(self, asker: Asker) -> dict[str, Any]:
        """The emulated world: modems, phones, calls."""
        return self._object(asker, "GET", "/api/v1/playground")

    def play(self, asker: Asker, **what: str) -> str | None:
        """Have somebody of the emulated world do something; the id of a call that has begun."""
        call: str | None = self._object(asker, "POST", "/api/v1/playground", body=what)["call"]
        return call


def _passphrase(passphrase: str) -> dict[str, str]:
    return {"X-Backup-Passphrase": quote(passphrase, safe="")}
