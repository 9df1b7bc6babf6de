"""The demo's place: a directory with gateway.toml, shop.toml and whatever the processes write."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

import tomli

from gateway.demo.free_port import free_port
from gateway.sip.addresses import lan_addresses

LOOPBACK = "127.0.0.1"
MODEMS = (("m0", "huawei"), ("m1", "quectel"), ("m2", "simcom"))
"""Name and family of each emulated modem."""

SIM_NUMBERS = {"red": "+79160000001", "green": "+79160000002", "blue": "+79160000003"}
LINES = {"red": "m0", "green": "m1", "blue": "m2"}
COURIER = "+79161234567"
STRANGER = "+79031112233"
PIN = "482913"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the demo listens."""

    sip: int
    api: int
    web: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The files and addresses of one demo."""

    directory: Path
    ports: Ports
    phone_password: str
    host: str = LOOPBACK
    """Where browsers and phones reach it: this machine alone, or its address in the local network."""
    has_tls: bool = False
    """Whether the panel does, because others than this machine reach it."""

    @property
    def config(self) -> Path:
        """Its gateway.toml."""
        return self.directory / "gateway.toml"

    @property
    def shop(self) -> Path:
        """Its shop.toml, taken at the first start."""
        return self.directory / "shop.toml"

    @property
    def emulator(self) -> Path:
        """Where the emulated modems have their ports."""
        return self.directory / "emulator"

    @property
    def data(self) -> Path:
        """Where the daemon keeps its data."""
        return self.directory / "data"

    @property
    def panel_url(self) -> str:
        """Where the panel is, as a browser wants it."""
        return f"{'https' if self.has_tls else 'http'}://{self.host}:{self.ports.web}/"

    @property
    def panel_certificate(self) -> Path:
        """What the panel shows to browsers of the network."""
        return self.data / "tls" / "panel-certificate.pem"

    @property
    def is_new(self) -> bool:
        """Nobody has started a daemon here yet."""
        return not (self.data / "simbridge.db").exists()


def prepare(directory: Path, *, lan: bool = False, notice: str = "announce", usual_ports: bool = True) -> Site:
    """Make the directory ready: ports that are free now, files that fit them. Existing data stays.

    The usual ports (5060, 8090, 8080) are taken where they are free, unless several demos run side by side.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o750)
    emulator = directory / "emulator"
    emulator.mkdir(exist_ok=True)

    def chosen(usual: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
        return free_port(kind, preferred=usual if usual_ports else None)

    ports = Ports(sip=chosen(5060, socket.SOCK_DGRAM), api=chosen(8090), web=chosen(8080))
    addresses = [each for each in lan_addresses() if ":" not in each] if lan else []
    site = Site(
        directory=directory,
        ports=ports,
        phone_password=_phone_password(directory / "shop.toml"),
        host=(*addresses, LOOPBACK)[0],
        has_tls=lan,
    )
    site.config.write_text(_gateway_toml(site, lan=lan), encoding="utf-8")
    if not site.shop.exists():
        site.shop.touch(mode=0o600)
        site.shop.write_text(_shop_toml(site, notice=notice), encoding="utf-8")
    return site


def _phone_password(shop: Path) -> str:
    """The password that phone 101 already has, or a new one."""
    if shop.exists():
        phones = tomli.loads(shop.read_text(encoding="utf-8")).get("phones", [])
        for phone in phones:
            if phone.get("extension") == "101":
                return str(phone["password"])
    return secrets.token_urlsafe(15)


def _gateway_toml(site: Site, *, lan: bool) -> str:
    modems = "".join(
        f"""
[[modems]]
name = "{name}"
at = "{site.emulator.resolve()}/{name}-at"
voice = "{site.emulator.resolve()}/{name}-voice"
dialect = "auto"
"""
        for name, _family in MODEMS
    )
    sip_bind = '["127.0.0.1", "lan"]' if lan else '["127.0.0.1"]'
    web_host = "lan" if lan else "127.0.0.1"
    phones = f'phones = "lan:{free_port(preferred=8081)}"\n' if lan else ""
    return f"""# Written by `simbridge demo` at each start.
data_dir = "data"

[discovery]
enabled = false  # the demo leaves real modems alone

[emulated]
control = "{site.emulator.resolve()}/control.sock"  # the panel plays the mobile network

[sip]
bind = {sip_bind}
port = {site.ports.sip}

[api]
bind = "127.0.0.1:{site.ports.api}"

[web]
bind = "{web_host}:{site.ports.web}"
{phones}{modems}"""


def _shop_toml(site: Site, *, notice: str) -> str:
    lines = "".join(
        f"""
[[lines]]
name = "{name}"
modem = "{modem}"
number = "{SIM_NUMBERS[name]}"
rings = ["101"]
"""
        for name, modem in LINES.items()
    )
    return f"""# The demo's shop. Taken at the first start; afterwards the panel is where it is changed.
[shop]
name = "Demo shop"
language = "en"
time_zone = "Europe/Moscow"
currency = "RUB"
{lines}
[[phones]]
extension = "101"
name = "Front desk"
password = "{site.phone_password}"

[[couriers]]
extension = "2001"
name = "Courier 2001"
mobile = "{COURIER}"
lines = ["red", "green", "blue"]
pin = "{PIN}"

[recording]
calls = "all"
notice = "{notice}"
keep_days = 90

[numbers]
country = "RU"
"""
