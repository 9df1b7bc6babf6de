"""A port of the loopback that nobody has."""

from __future__ import annotations

import random
import socket

_CHOICE = range(20000, 31000)
"""Below those that the system gives to whoever asks for any port (ip_local_port_range): a program that starts again
finds its port free."""
_TRIES = 100


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, *, preferred: int | None = None) -> int:
    """The preferred port, or another one when that is taken; raises OSError where none is found."""
    choice = random.SystemRandom().sample(_CHOICE, _TRIES)
    for port in choice if preferred is None else [preferred, *choice]:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port of the loopback is free")
