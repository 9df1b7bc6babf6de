"""A PostgreSQL of our own: made in a temporary directory, reached by a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

_BINARIES = Path("/usr/lib/postgresql")


@dataclass
class Postgres:
    """`away` is for what happens while it cannot be reached."""

    directory: Path
    account: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    databases: list[str] = field(default_factory=list)

    def url(self, database: str) -> str:
        """As gateway.toml has it."""
        return f"postgresql://owner@/{database}?host={self.directory}"

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"shop{len(self.databases)}"
        self.databases.append(name)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    @contextmanager
    def away(self, url: str) -> Iterator[None]:
        """Nobody is connected to that database, nor can be; to its clients it is gone in the midst of what they do."""
        name = url.rpartition("/")[2] if "?" not in url else url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            try:
                connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
                yield
            finally:
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def start(self) -> None:
        command = [_program("postgres"), "-D", str(self.directory / "data"), "-k", str(self.directory)]
        for option in (
            "listen_addresses=",
            "fsync=off",
            "max_connections=30",
            "shared_buffers=16MB",
            "logging_collector=off",
        ):
            command += ["-c", option]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.account)
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise AssertionError((self.directory / "log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """At once, its clients being cut off."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=60)
            self.process = None


def _program(name: str) -> str:
    newest = max(_BINARIES.iterdir(), key=lambda path: int(path.name))
    return str(newest / "bin" / name)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Running. It refuses to run as root, who then runs it as the user that Debian's package makes."""
    directory = Path(tempfile.mkdtemp(prefix="simbridge-postgres-", dir="/tmp"))
    account: dict[str, Any] = {}
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(directory, user.pw_uid, user.pw_gid)
        command = [
            _program("initdb"),
            "-D",
            str(directory / "data"),
            "-U",
            "owner",
            "-A",
            "trust",
            "-N",
            "--locale=C",
            "-E",
            "UTF8",
        ]
        made = subprocess.run(command, check=False, capture_output=True, timeout=120, cwd="/", **account)
        assert made.returncode == 0, made.stderr.decode()
        server = Postgres(directory, account)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
