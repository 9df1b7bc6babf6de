"""`host:port`, as gateway.toml has it."""

from __future__ import annotations

from gateway.toml_document import Place, TomlDocument, quoted


def host_and_port(bind: str) -> tuple[str, int]:
    """The parts of `host:port`; brackets of an IPv6 address are taken off. ValueError when it is not that."""
    host, colon, port = bind.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("an IPv6 address needs brackets")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("not host:port")
    return host, int(port)


def checked_host(document: TomlDocument, place: Place, bind: str, *, key: str = "bind") -> str | None:
    """The host of `host:port` at a key of a table; None, and noted, when it is not that."""
    try:
        return host_and_port(bind)[0]
    except ValueError:
        document.problem((*place, key), f'{quoted((*place, key))} must be like "127.0.0.1:8080", not "{bind}".')
        return None
