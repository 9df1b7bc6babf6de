"""A router between us and a server: it translates addresses, and loses datagrams at random."""

from __future__ import annotations

import asyncio
import random
import socket
from typing import Self

from gateway.sip.transport import Address


class LossyNat:
    """Who sends to `inside` sends to `server`, who sees it come from `outside`; each datagram may be lost."""

    def __init__(self, server: Address, *, loss: float, dice: random.Random) -> None:
        self.lost = 0
        self.passed = 0
        self._server = server
        self._loss = loss
        self._dice = dice
        self._inner, self._outer = _bound(), _bound()
        self._host: tuple[str, int] | None = None

    @property
    def inside(self) -> Address:
        return Address(*self._inner.getsockname())

    @property
    def outside(self) -> Address:
        return Address(*self._outer.getsockname())

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._inner, self._from_inside)
        loop.add_reader(self._outer, self._from_outside)
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._inner, self._outer):
            asyncio.get_running_loop().remove_reader(each)
            each.close()

    def _from_inside(self) -> None:
        data, self._host = self._inner.recvfrom(65536)
        self._carry(self._outer, data, self._server)

    def _from_outside(self) -> None:
        data = self._outer.recv(65536)
        if self._host is not None:
            self._carry(self._inner, data, self._host)

    def _carry(self, by: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        if self._dice.random() < self._loss:
            self.lost += 1
            return
        self.passed += 1
        by.sendto(data, to)


def _bound() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setblocking(False)
    bound.bind(("127.0.0.1", 0))
    return bound
