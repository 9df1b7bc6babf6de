"""SRV and NAPTR by a DNS server of the test's own: right answers, none, broken ones, and silence (X-N2)."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from gateway.sip import resolver
from gateway.sip.resolver import Naptr, Srv, SystemNames

ZONE = {
    ("_sip._udp.example.net.", "SRV"): ("10 60 5060 a.example.net.", "20 0 5062 b.example.net."),
    ("example.net.", "NAPTR"): (
        '50 50 "s" "SIP+D2U" "" _sip._udp.example.net.',
        '10 10 "S" "sips+d2t" "" _sips._tcp.example.net.',
        '10 20 "u" "E2U+sip" "!^.*$!sip:x@y!" .',
    ),
}


@contextmanager
def dns_server() -> Iterator[tuple[str, int]]:
    """Answers from ZONE; `broken.` fails, `silent.` gets no answer, everything else does not exist."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, source = listening.recvfrom(4096)
                if not data:
                    return
                answer = _answer(dns.message.from_wire(data))
                if answer is not None:
                    listening.sendto(answer.to_wire(), source)

        thread = threading.Thread(target=serve)
        thread.start()
        address = listening.getsockname()
        try:
            yield address
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", address)
            thread.join()


def _answer(question: dns.message.Message) -> dns.message.Message | None:
    asked = question.question[0]
    name = asked.name.to_text()
    answer = dns.message.make_response(question)
    if name == "silent.":
        return None
    if name == "broken.":
        answer.set_rcode(dns.rcode.SERVFAIL)
        return answer
    kind = dns.rdatatype.to_text(asked.rdtype)
    rows = ZONE.get((name, kind))
    if rows:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *rows))
    elif not any(known == name for known, _ in ZONE):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


@pytest.mark.real_time
async def test_records_are_read() -> None:
    with dns_server() as server:
        names = SystemNames(server)
        found = sorted(await names.srv("_sip._udp.example.net"))
        assert found == [Srv(10, 60, 5060, "a.example.net"), Srv(20, 0, 5062, "b.example.net")]
        assert sorted(await names.naptr("example.net")) == [
            Naptr(10, 10, "SIPS+D2T", "_sips._tcp.example.net"),
            Naptr(50, 50, "SIP+D2U", "_sip._udp.example.net"),
        ]
        assert await names.srv("example.net") == [], "the name is there, but has no such record"
        assert await names.srv("_sip._tcp.example.net") == [], "the name is not there"
        with pytest.raises(OSError, match="The DNS does not answer for broken"):
            await names.srv("broken")


@pytest.mark.real_time
async def test_a_silent_dns_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "QUESTION_SECONDS", 1.0)
    with dns_server() as server:
        turns = 0
        question = asyncio.ensure_future(SystemNames(server).srv("silent"))
        while not question.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns >= 3, "the loop went on meanwhile"
        with pytest.raises(OSError, match="silent"):
            await question
