"""The table [replication] of gateway.toml: the database, and the store of recordings, that several gateways share."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.toml_document import Place, TomlDocument

_DATABASE = re.compile(r"postgresql://[^\s/@:]+@[^\s/@]*/[A-Za-z0-9_-]+(\?\S*)?", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSettings:
    """Where this gateway's calls, SMS and recordings go too. What is secret is in files of its own."""

    name: str | None = None
    """How this gateway is called in lists of several; None: nothing is replicated."""
    database: str | None = None
    """postgresql://user@host:port/name, with options of libpq after a `?`."""
    database_password_file: str | None = None
    s3_endpoint: str | None = None
    """An http or https address; None: recordings stay here alone."""
    s3_bucket: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None
    s3_secret_key_file: str | None = None

    @property
    def is_on(self) -> bool:
        """Rows go to a shared database."""
        return self.name is not None and self.database is not None

    def below(self, home: Path) -> ReplicationSettings:
        """The same with files meant from that directory."""
        password, key = self.database_password_file, self.s3_secret_key_file
        return replace(
            self,
            database_password_file=None if password is None else str(home / password),
            s3_secret_key_file=None if key is None else str(home / key),
        )


def check_replication(document: TomlDocument) -> None:
    """What the types cannot say."""
    for place, replication in document.found(ReplicationSettings):
        if not (replication.name or "").strip() or len(replication.name or "") > 64 or replication.database is None:
            document.problem(place, '[replication] needs "name", at most 64 letters, and "database".')
        elif not _DATABASE.fullmatch(replication.database):
            document.problem(
                (*place, "database"),
                '"database" of [replication] must be like "postgresql://user@db.example.net/name", without a password.',
            )
        _check_s3(document, place, replication)


def _check_s3(document: TomlDocument, place: Place, replication: ReplicationSettings) -> None:
    needed = {
        "s3_endpoint": replication.s3_endpoint,
        "s3_bucket": replication.s3_bucket,
        "s3_access_key": replication.s3_access_key,
        "s3_secret_key_file": replication.s3_secret_key_file,
    }
    if len({value is None for value in needed.values()}) > 1:
        document.problem(place, f"[replication] needs all or none of {', '.join(map(repr, needed))}.".replace("'", '"'))
    if replication.s3_endpoint is not None and not re.fullmatch(r"https?://[^\s@/]+/?", replication.s3_endpoint):
        document.problem(
            (*place, "s3_endpoint"), '"s3_endpoint" of [replication] must be an address like "https://s3.example.net".'
        )
    if replication.s3_bucket is not None and not _BUCKET.fullmatch(replication.s3_bucket):
        document.problem((*place, "s3_bucket"), '"s3_bucket" of [replication] is no name of a bucket.')
