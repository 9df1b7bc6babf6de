"""A gateway whose address changes, as with DHCP: a program that needs a network of its own (`unshare --net`).

The provider and the phone are in another network, at the far end of a cable. It prints one line of JSON: after how many
seconds each of them was told, and how much of the phone's voice came back afterwards.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.sip.message import Request
from gateway.sip.transport import Address
from gateway.telephony.leg import LegState
from gateway.telephony.shop import Shop, TrunkSettings
from tests.fakes.numbers import dialable
from tests.fakes.sip import SipWorld, answer_and_echo
from tests.fakes.sip_peer import Peer
from tests.fakes.sip_registrar import SHOP_PASSWORD, SHOP_USER, Provider, accepting
from tests.interop.programs import until

FAR = "192.168.77.1"
BEFORE = "192.168.77.10"
AFTER = "192.168.77.20"
_NETWORK = 0x40000000
"""CLONE_NEWNET."""


def run(*words: str) -> None:
    subprocess.run(words, check=True)


@contextmanager
def cable() -> Iterator[int]:
    """Another network, and a cable to it: the descriptor of that network."""
    with subprocess.Popen(["unshare", "-n", "sleep", "120"]) as far:
        try:
            here = Path("/proc/self/ns/net").readlink()
            while Path(f"/proc/{far.pid}/ns/net").readlink() == here:
                time.sleep(0.01)
            run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(far.pid))
            for name in ("lo", "near"):
                run("ip", "link", "set", name, "up")
            run("ip", "address", "add", f"{BEFORE}/24", "dev", "near")
            with Path(f"/proc/{far.pid}/ns/net").open("rb") as network:
                with at(network.fileno()):
                    run("ip", "link", "set", "far", "up")
                    run("ip", "address", "add", f"{FAR}/24", "dev", "far")
                yield network.fileno()
        finally:
            far.terminate()


@contextmanager
def at(network: int) -> Iterator[None]:
    """Sockets that are made now are made there."""
    library = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open("rb") as home:
        if library.setns(network, _NETWORK):
            raise OSError(ctypes.get_errno(), "there is no way into the other network")
        try:
            yield
        finally:
            library.setns(home.fileno(), _NETWORK)


async def move(network: int) -> dict[str, float]:
    world = SipWorld(on_leg=answer_and_echo, host="lan")
    with at(network):
        provider = Provider(accepting(), host=FAR)
    row = TrunkSettings(name="provider", host=provider.address, user=SHOP_USER, password=SHOP_PASSWORD)
    world.shop = Shop(phones=world.shop.phones, trunks=(row,))
    async with world.server:
        (ours,) = world.server.addresses
        assert ours.host == BEFORE
        with at(network):
            phone = Peer(ours, host=FAR)
        with provider, phone:
            return await _move(world, provider, phone)


async def _move(world: SipWorld, provider: Provider, phone: Peer) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    assert await until(lambda: "provider" in world.server.trunks and world.server.trunks["provider"].is_usable)
    await phone.register(expires=3600)
    await phone.call("2001")
    leg = world.server.trunks["provider"].dial(dialable("+79035550001"), caller_id="", call_id="c", extension="101")
    invite = await provider.next_request("INVITE")
    provider.respond(invite, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
    await provider.next_request("ACK")
    assert await until(lambda: leg.state is LegState.UP and world.legs[0].state is LegState.UP)

    run("ip", "address", "del", f"{BEFORE}/24", "dev", "near")
    await asyncio.sleep(0.5)
    run("ip", "address", "add", f"{AFTER}/24", "dev", "near")
    began = loop.time()

    def is_registered() -> bool:
        contacts = [str(each.uri) for each in provider.registers[-1].request.contacts]
        return AFTER in contacts[0] and world.server.trunks["provider"].is_usable

    assert await until(is_registered, 20)
    registered = loop.time() - began
    moved = await provider.next_request("INVITE")
    provider.respond(moved, 200, extra=(f"Contact: <sip:x@{provider.address}>",), body=provider.media.offer())
    await provider.next_request("ACK")
    told = await phone.asked("INVITE", within=20)
    phone_told = loop.time() - began
    phone.server = Address(AFTER, world.server.addresses[0].port)
    phone.respond(told, 200, "OK", body=phone.media.offer())
    await phone.asked("ACK")
    heard = await _echo(phone, told)
    assert leg.state is world.legs[0].state is LegState.UP
    for each in (leg, *world.legs):
        each.hangup()
    return {"registered": registered, "phone_told": phone_told, "heard": heard}


async def _echo(phone: Peer, told: Request) -> float:
    """The share of fifty packets that come back from the new address."""
    assert f"c=IN IP4 {AFTER}".encode() in told.body
    phone.media.remote = (AFTER, int(told.body.split(b"m=audio ")[1].split()[0]))
    phone.media.heard.clear()
    for number in range(1, 51):
        phone.media.send(bytes([number]) * 160)
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    return len({packet.payload[0] for packet in phone.media.heard} & set(range(1, 51))) / 50


if __name__ == "__main__":
    with cable() as far_network:
        json.dump(asyncio.run(move(far_network)), sys.stdout)
