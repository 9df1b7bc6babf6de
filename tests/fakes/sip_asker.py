"""A phone of the shop that asks for things other than calls: it proves who it is, and returns the answer."""

from __future__ import annotations

from gateway.sip.message import Response
from tests.fakes.sip_peer import Peer


async def ask(
    phone: Peer,
    method: str,
    user: str,
    *fields: str,
    body: bytes = b"",
    call_id: str = "asked",
    tag: str = "asker",
    number: int = 1,
) -> Response:
    """Send a request outside of any dialog, answer its challenge, and return what came of it."""
    host, port = phone.server
    uri = f"sip:{user}@{host}:{port}"

    def send(sequence: int, *more: str) -> None:
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {phone.host}:{phone.port};rport;branch={phone.new_branch()}",
            "Max-Forwards: 70",
            f"From: <sip:{phone.user}@{host}>;tag={tag}",
            f"To: <sip:{user}@{host}>",
            f"Call-ID: {call_id}",
            f"CSeq: {sequence} {method}",
            f"Contact: <sip:{phone.user}@{phone.host}:{phone.port}>",
            *fields,
            *more,
        ]
        phone.send("\n".join(lines), body)

    send(number)
    challenge = await phone.response(401)
    send(number + 1, phone.authorization(challenge, method, uri))
    answer = await phone.next(within=20)
    assert isinstance(answer, Response), answer
    return answer
