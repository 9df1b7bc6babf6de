"""gateway.toml: the machine. Where to listen, where data lives, ports that discovery cannot find."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SipSettings:
    """Where phones and providers reach us. `bind` holds addresses, interface names, or "lan"."""

    bind: tuple[str, ...] = ("127.0.0.1",)
    port: int = 5060
    rtp_ports: tuple[int, int] = (10000, 11999)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """`host:port` of the API; loopback only."""

    bind: str = "127.0.0.1:8090"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """`host:port` of the panel; the host may be "lan"."""

    bind: str = "127.0.0.1:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModemSettings:
    """A modem whose ports are given. `voice` is a tty, or "alsa:" and a device; None: no voice."""

    name: str
    at: str
    voice: str | None = None
    dialect: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """gateway.toml as one value; relative paths are relative to the file's own directory."""

    data_dir: Path
    sip: SipSettings = SipSettings()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
    modems: tuple[ModemSettings, ...] = ()

    @property
    def recordings_dir(self) -> Path:
        """Where recordings lie, one directory per day."""
        return self.data_dir / "recordings"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "simbridge.db"

    @property
    def worker_socket(self) -> Path:
        """The Unix socket on which the worker answers the daemon."""
        return self.data_dir / "worker.sock"
