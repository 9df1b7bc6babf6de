"""Which addresses `[sip] bind` means: addresses, interface names, or "lan"."""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

from gateway.errors import SettingsError
from gateway.sip.transport import is_numeric, is_private, is_wildcard

_SIOCGIFADDR = 0x8915


def addresses_of(entries: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses to listen on, as they are now. Raises SettingsError for what names nothing here."""
    found: list[str] = []
    for entry in entries:
        if is_numeric(entry):
            found.append(entry)
        elif entry == "lan":
            found += lan_addresses()
        else:
            addresses = interface_addresses(entry)
            if not addresses:
                names = ", ".join(name for _, name in socket.if_nameindex())
                raise SettingsError(
                    f'[sip] bind: "{entry}" is no address, and no interface with an address; there are: {names}.',
                    entry=entry,
                )
            found += addresses
    if any(is_wildcard(address) for address in found):
        return tuple(dict.fromkeys(address for address in found if is_wildcard(address)))
    return tuple(dict.fromkeys(found))


def is_only_here(hosts: Iterable[str]) -> bool:
    """True when nobody but this machine can reach any of those addresses."""
    return all(ipaddress.ip_address(host).is_loopback for host in hosts)


def lan_addresses() -> list[str]:
    """All private addresses of this machine but those of the loopback interface; that, when there is no other."""
    return [address for address in machine_addresses() if is_private(address)] or ["127.0.0.1"]


def machine_addresses() -> list[str]:
    """All addresses of this machine but those of the loopback interface."""
    return [address for _, name in socket.if_nameindex() if name != "lo" for address in interface_addresses(name)]


def interface_addresses(name: str) -> list[str]:
    """The IPv4 address and the IPv6 addresses (none of link scope) of an interface."""
    return _ipv4_of(name) + _ipv6_of(name)


def _ipv4_of(name: str) -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
        except OSError:  # no such interface, or none with an IPv4 address
            return []
    return [socket.inet_ntoa(answer[20:24])]


def _ipv6_of(name: str) -> list[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
    except OSError:  # a kernel without IPv6
        return []
    found = []
    for line in lines:
        raw, _, _, scope, _, interface = line.split()
        if interface == name and scope != "20":
            found.append(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(raw)))
    return found
