"""The way out to addresses that people have typed in: whom it reaches, what it brings back, and where nobody is led.

T-W5: thirty addresses and more, by name and by number, and no connection to any of them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohappyeyeballs
import pytest
from aiohttp import web

from gateway.messaging.mail import MailServer, mail_sender, make_mail
from gateway.messaging.outside import (
    MOST_BYTES,
    AddressBarred,
    AddressUnusable,
    Outside,
    Question,
    Resolve,
    ServerAway,
    is_public,
)
from tests.fakes.direct_store import loop_clock

PRIVATE = [
    ["127.0.0.1"], ["127.8.8.8"], ["10.1.2.3"], ["172.16.0.1"], ["192.168.1.5"], ["169.254.169.254"], ["100.64.0.1"],
    ["0.0.0.0"], ["224.0.0.1"], ["255.255.255.255"], ["198.18.0.1"], ["::1"], ["::"], ["fe80::1"], ["fe80::1%eth0"],
    ["fd00::1"], ["fd00:ec2::254"], ["fec0::1"], ["ff02::1"], ["::ffff:127.0.0.1"], ["::ffff:10.0.0.1"],
    ["::127.0.0.1"], ["::10.0.0.1"], ["2002:7f00:1::"], ["2002:c0a8:105::1"], ["64:ff9b::7f00:1"], ["64:ff9b::a00:1"],
    ["64:ff9b:1::a00:1"], ["93.184.216.34", "127.0.0.1"], ["2606:2800:220::1", "::1"],
]  # fmt: skip


def means(*addresses: str) -> Resolve:
    """Every name means these."""

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


@asynccontextmanager
async def _server(seen: list[web.Request]) -> AsyncIterator[str]:
    """A server on loopback; gives the beginning of its addresses."""
    stopping = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        match request.match_info["what"]:
            case "moved":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
            case "large":
                return web.Response(body=b"x" * (MOST_BYTES + 1), headers={"Retry-After": "90"})
            case "packed":
                return web.Response(body=b"\x1f\x8b nothing of the kind", headers={"Content-Encoding": "gzip"})
            case "slow":
                await stopping.wait()
        return web.Response(text=f"{request.method} {(await request.read()).decode()}", status=202)

    app = web.Application()
    app.router.add_route("*", "/{what}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        stopping.set()
        await runner.cleanup()


@pytest.mark.real_time
async def test_what_a_server_answers() -> None:
    seen: list[web.Request] = []
    async with _server(seen) as base:
        outside = Outside(["127.0.0.1"])
        answer = await outside.ask(Question("POST", base + "hook", headers={"X-Key": "k"}, body=b"told"))
        assert (answer.status, answer.body, answer.is_cut) == (202, b"POST told", False)
        assert (seen[0].headers["X-Key"], seen[0].headers["User-Agent"]) == ("k", "simbridge")
        answer = await outside.ask(Question("GET", base + "large"))
        assert (len(answer.body), answer.is_cut, answer.retry_after) == (MOST_BYTES, True, "90")
        assert (await outside.ask(Question("GET", base + "packed"))).body.endswith(b"nothing of the kind")
        answer = await outside.ask(Question("GET", base + "moved"))
        assert (answer.status, len(seen)) == (302, 4), "no redirection is followed"
        with pytest.raises(ServerAway) as fault:
            await outside.ask(Question("GET", base + "slow", seconds=0.3))
        assert fault.value.values["is_slow"]
        count = len(seen)
        with pytest.raises(AddressBarred):
            await Outside().ask(Question("GET", base + "hook"))
        assert (await Outside().ask(Question("GET", base + "hook", may_be_private=True))).status == 202
        assert len(seen) == count + 1
    with pytest.raises(ServerAway) as fault:
        await outside.ask(Question("GET", base + "secret-path"))
    assert "secret-path" not in str(fault.value)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whom the libraries have begun to connect to; nobody is there."""
    tried: list[object] = []

    async def start(addr_infos: Sequence[Sequence[object]], **_others: object) -> socket.socket:
        tried.extend(info[4] for info in addr_infos)
        raise OSError("refused")

    async def open_connection(host: str, port: int, **_others: object) -> object:
        tried.append((host, port))
        raise OSError("refused")

    monkeypatch.setattr(aiohappyeyeballs, "start_connection", start)
    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    return tried


@pytest.mark.parametrize("addresses", PRIVATE)
async def test_no_name_leads_into_a_private_network(connections: list[object], addresses: list[str]) -> None:
    outside = Outside(["other.example"], resolve=means(*addresses))
    for address in ("https://shop.example/x", "http://shop.example:8080/x"):
        with pytest.raises(AddressBarred):
            await outside.ask(Question("POST", address, body=b"{}"))
    with pytest.raises(AddressBarred):
        await outside.connect("mail.example", 25, tls=None)
    assert connections == []


async def test_whoever_is_public_is_connected_to(connections: list[object]) -> None:
    """What the test above counts is where connections begin."""
    outside = Outside(resolve=means("93.184.216.34"))
    with pytest.raises(ServerAway):
        await outside.ask(Question("GET", "http://shop.example/"))
    with pytest.raises(OSError, match="refused"):
        await outside.connect("mail.example", 25, tls=None)
    assert connections == [("93.184.216.34", 80), ("93.184.216.34", 25)]


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "①②⑦.0.0.1"])
async def test_whatever_the_private_address_is_written_like(connections: list[object], host: str) -> None:
    async def resolve(asked: str, _port: int) -> Sequence[str]:
        return [socket.inet_ntoa(socket.inet_aton(asked))]  # as the C library reads it

    with pytest.raises(AddressBarred):
        await Outside(resolve=resolve).ask(Question("GET", f"http://{host}:8090/api/v1/snapshot"))
    assert connections == []


@pytest.mark.real_time
async def test_the_system_s_own_names_are_judged_too(connections: list[object]) -> None:
    for host in ("localhost", "[::1]", "[::ffff:7f00:1]", "127.0.0.1"):
        with pytest.raises((AddressBarred, ServerAway)):
            await Outside().ask(Question("GET", f"http://{host}:8090/"))
    assert connections == []


@pytest.mark.parametrize(
    "address",
    [
        "", "x", "ftp://shop.example/x", "file:///etc/passwd", "gopher://shop.example/", "//shop.example/", "http://",
        "https:///x", "https://anna:secret@shop.example/", "https://shop.example\\@127.0.0.1/", "http://a:99999/",
        "https://shop.example/" + "x" * 2000,
    ],
)  # fmt: skip
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(AddressUnusable):
        await Outside(resolve=means("93.184.216.34")).ask(Question("GET", address))


@pytest.mark.real_time
async def test_a_name_that_means_another_address_a_moment_later_leads_nowhere_new() -> None:
    """DNS rebinding: the connection goes to what was judged, whatever the name means by then."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    seen: list[web.Request] = []
    async with _server(seen) as base:

        async def resolve(host: str, _port: int) -> Sequence[str]:
            assert host == "shop.example"
            return answers.pop(0)

        outside = Outside(["SHOP.example."], resolve=resolve)
        assert (await outside.ask(Question("GET", base.replace("127.0.0.1", "shop.example") + "x"))).status == 202
        assert (seen[0].host.partition(":")[0], len(answers)) == ("shop.example", 1)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2002:5db8:d822::1"])
def test_anybody_may_reach_these(address: str) -> None:
    assert is_public(address)


async def test_a_name_that_nobody_knows_and_one_that_takes_its_time() -> None:
    async def unknown(_host: str, _port: int) -> Sequence[str]:
        raise OSError("unknown")

    async def slow(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    for resolve in (unknown, means()):
        with pytest.raises(ServerAway) as fault:
            await Outside(resolve=resolve).ask(Question("GET", "https://shop.example/"))
        assert not fault.value.values["is_slow"]
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ServerAway) as fault:
        await Outside(resolve=slow).ask(Question("GET", "https://shop.example/"))
    assert fault.value.values["is_slow"]
    assert loop.time() - began == pytest.approx(5.0)


async def test_no_mail_server_in_a_private_network_is_spoken_to() -> None:
    outside = Outside(resolve=means("192.168.1.1"))
    message = make_mail(
        sender="a@example.net",
        recipient="b@example.net",
        subject="x",
        text="x",
        message_id="j",
        written_at=loop_clock(),
    )
    with pytest.raises(AddressBarred):
        await mail_sender(outside)(MailServer(host="mail.example", port=25, sender="a@example.net"), "b@x", message)


def test_a_question_prints_nothing_that_may_be_a_secret() -> None:
    question = Question("POST", "https://api.example/bot-secret/x", headers={"X-Key": "secret"}, body=b"secret")
    assert "secret" not in repr(question)
