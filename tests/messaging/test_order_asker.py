"""The shop's program is asked over real sockets: what it may do, what it gets, and where nobody is led (T-W5)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from gateway.messaging import order_asker
from gateway.messaging.order_asker import MOST_BYTES, ask_shop, is_public
from gateway.telephony.order_reading import SourceTrouble
from gateway.telephony.order_status import OrderHeader, OrderSource

HEADERS = (OrderHeader(name="X-Api-Key", secret="k"), OrderHeader(name="X-Empty"))


@asynccontextmanager
async def _program(seen: list[web.Request]) -> AsyncIterator[str]:
    """A shop's program on loopback; gives its address with the number still open."""

    stopping = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        match request.match_info["number"]:
            case "1001":
                return web.json_response({"status": "shipped"})
            case "1":
                return web.Response(body=b"x" * (MOST_BYTES + 1))
            case "2":
                raise web.HTTPFound("/orders/1001")
            case "3":
                await stopping.wait()
                return web.Response()
        return web.Response(status=int(request.match_info["number"]))

    app = web.Application()
    app.router.add_get("/orders/{number}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/orders/{{number}}"
    finally:
        stopping.set()
        await runner.cleanup()


@pytest.mark.real_time
async def test_what_a_program_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[web.Request] = []
    async with _program(seen) as url:
        source = OrderSource(url=url, private=True)
        for digits, expected in (
            ("1001", b'{"status": "shipped"}'), ("1", SourceTrouble.TOO_LARGE), ("2", SourceTrouble.FAILED),
            ("401", SourceTrouble.REFUSED), ("403", SourceTrouble.REFUSED), ("404", SourceTrouble.NOT_FOUND),
            ("410", SourceTrouble.NOT_FOUND), ("500", SourceTrouble.FAILED),
        ):  # fmt: skip
            assert await ask_shop(source, HEADERS, digits) == expected
        assert [each.headers.get("X-Api-Key") for each in seen] == ["k"] * 8, "a redirection is not followed"
        assert "X-Empty" not in seen[0].headers
        count = len(seen)
        assert await ask_shop(OrderSource(url=url), HEADERS, "1001") is SourceTrouble.PRIVATE_ADDRESS
        assert len(seen) == count, "nothing was sent there"
        monkeypatch.setattr(order_asker, "PATIENCE_SECONDS", 0.3)
        assert await ask_shop(source, HEADERS, "3") is SourceTrouble.TOO_SLOW
    assert await ask_shop(source, HEADERS, "1001") is SourceTrouble.UNREACHABLE


async def _must_not_be(*_: object) -> bytes:
    raise AssertionError("somebody was connected to")


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.1.2.3"], ["172.16.0.1"], ["192.168.1.5"], ["169.254.169.254"], ["100.64.0.1"], ["0.0.0.0"],
        ["224.0.0.1"], ["255.255.255.255"], ["198.18.0.1"], ["::1"], ["::"], ["fe80::1"], ["fe80::1%eth0"],
        ["fd00::1"], ["ff02::1"], ["::ffff:127.0.0.1"], ["::ffff:10.0.0.1"], ["2002:7f00:1::"], ["2002:c0a8:105::1"],
        ["64:ff9b::7f00:1"], ["64:ff9b::a00:1"], ["93.184.216.34", "127.0.0.1"], ["2606:2800:220::1", "::1"],
    ],
)  # fmt: skip
async def test_no_name_leads_into_a_private_network(monkeypatch: pytest.MonkeyPatch, addresses: list[str]) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    monkeypatch.setattr(order_asker, "_ask", _must_not_be)
    source = OrderSource(url="https://shop.example/{number}")
    assert await ask_shop(source, (), "1001", resolve=resolve) is SourceTrouble.PRIVATE_ADDRESS


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "0"])
async def test_whatever_the_private_address_is_written_like(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    async def resolve(asked: str, _port: int) -> Sequence[str]:
        return [socket.inet_ntoa(socket.inet_aton(asked))]  # as the C library reads it

    monkeypatch.setattr(order_asker, "_ask", _must_not_be)
    source = OrderSource(url=f"https://{host}/{{number}}")
    assert await ask_shop(source, (), "1001", resolve=resolve) is SourceTrouble.PRIVATE_ADDRESS


@pytest.mark.real_time
@pytest.mark.parametrize("host", ["localhost", "[::1]", "[::ffff:7f00:1]", "127.0.0.1"])
async def test_the_system_s_own_names_are_judged_too(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(order_asker, "_ask", _must_not_be)
    source = OrderSource(url=f"https://{host}/{{number}}")
    assert await ask_shop(source, (), "1001") in (SourceTrouble.PRIVATE_ADDRESS, SourceTrouble.UNREACHABLE)


@pytest.mark.real_time
async def test_a_name_that_means_another_address_a_moment_later_leads_nowhere_new() -> None:
    """DNS rebinding: the connection goes to what was judged, whatever the name means by then."""
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    seen: list[web.Request] = []
    async with _program(seen) as url:

        async def resolve(host: str, _port: int) -> Sequence[str]:
            assert host == "shop.example"
            return answers.pop(0)

        source = OrderSource(url=url.replace("127.0.0.1", "shop.example"), private=True)
        assert await ask_shop(source, (), "1001", resolve=resolve) == b'{"status": "shipped"}'
        assert (seen[0].host.partition(":")[0], len(answers)) == ("shop.example", 1)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "2002:5db8:d822::1"])
def test_anybody_may_reach_these(address: str) -> None:
    assert is_public(address)


async def test_a_name_that_nobody_knows() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("unknown")

    async def nothing(_host: str, _port: int) -> Sequence[str]:
        return []

    source = OrderSource(url="https://shop.example/{number}")
    assert await ask_shop(source, (), "1001", resolve=resolve) is SourceTrouble.UNREACHABLE
    assert await ask_shop(source, (), "1001", resolve=nothing) is SourceTrouble.UNREACHABLE


async def test_a_slow_name_is_no_longer_waited_for() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        await asyncio.sleep(3600)
        return []

    source = OrderSource(url="https://shop.example/{number}")
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await ask_shop(source, (), "1001", resolve=resolve) is SourceTrouble.TOO_SLOW
    assert loop.time() - began == pytest.approx(2.0)
