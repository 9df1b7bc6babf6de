"""The certificate that the panel shows to browsers: the owner's, where one was given to it, else one made here.

Certificate and key lie in one file, which is replaced as a whole; connections that begin afterwards get the new one.
"""

from __future__ import annotations

import json
import logging
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

log = logging.getLogger(__name__)

_CERTIFICATES = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\r?\n?")
_KEY = re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END (?:[A-Z]+ )?PRIVATE KEY-----")
_GIVEN = "panel-given.pem"
_NAMES = "panel-given-names.json"


class KeyDoesNotFit(Exception):
    """Certificate and key do not belong together, or the key needs a passphrase."""


@dataclass(frozen=True, slots=True)
class PanelCertificate:
    """`certificate` and `key` are what there is in any case; `directory` is where the owner's may be kept.

    `directory` None: gateway.toml names the files, and they are changed there.
    """

    certificate: Path
    key: Path
    directory: Path | None

    @property
    def given(self) -> Path | None:
        """The file that holds the owner's, while there is one."""
        path = self.directory / _GIVEN if self.directory is not None else None
        return path if path is not None and path.exists() else None

    @property
    def names(self) -> frozenset[str]:
        """What the owner's is for, in small letters; browsers may use these names for the panel."""
        if self.given is None or self.directory is None:
            return frozenset()
        try:
            return frozenset(json.loads((self.directory / _NAMES).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return frozenset()

    def shown(self) -> str:
        """The certificate in use, PEM, without its key; empty when it cannot be read."""
        try:
            return certificates_in((self.given or self.certificate).read_text(encoding="ascii", errors="replace"))
        except OSError:
            return ""

    def context(self) -> ssl.SSLContext:
        """What a connection that begins now is shown. The owner's, if it has become useless, gives way."""
        given = self.given
        if given is not None:
            try:
                return _context(given, None)
            except (OSError, ssl.SSLError) as fault:
                log.error("The certificate that was given to the panel cannot be used: %s", fault)
        return _context(self.certificate, self.key)

    def keep(self, certificate: str, key: str, names: list[str]) -> None:
        """Show the owner's from now on. Raises KeyDoesNotFit and OSError; then all stays as it was."""
        if self.directory is None:
            raise PermissionError("gateway.toml names the panel's certificate")
        check_pair(certificate, key)
        _write(self.directory / _NAMES, json.dumps(names))
        _write(self.directory / _GIVEN, key.strip() + "\n" + certificate)

    def forget(self) -> None:
        """Show our own again. Raises OSError."""
        if self.directory is not None:
            for name in (_GIVEN, _NAMES):
                (self.directory / name).unlink(missing_ok=True)


def certificates_in(text: str) -> str:
    """The certificates of a PEM file, without anything else that is in it."""
    return "".join(block.strip() + "\n" for block in _CERTIFICATES.findall(text))


def key_in(text: str) -> str:
    """The private key of a PEM file; empty: there is none."""
    found = _KEY.search(text)
    return found[0] + "\n" if found else ""


def check_pair(certificate: str, key: str) -> None:
    """Whether they belong together. Raises KeyDoesNotFit."""
    with NamedTemporaryFile("w", encoding="ascii", dir=os.environ.get("STATE_DIRECTORY"), suffix=".pem") as file:
        try:
            file.write(key.strip() + "\n" + certificate)
            file.flush()
            _context(Path(file.name), None)
        except (OSError, ValueError) as fault:  # ssl.SSLError is an OSError
            raise KeyDoesNotFit(str(fault)) from fault


def _context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A key with a passphrase is refused: without an answer of ours the library would ask at the terminal.
    context.load_cert_chain(certificate, key, password=lambda: "")
    return context


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for nobody else to read."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
