"""The shop's program is asked: what its answers come to, what it gets, and how long it is waited for."""

from __future__ import annotations

import pytest

from gateway.messaging.order_asker import PATIENCE_SECONDS, shop_asker
from gateway.messaging.outside import AddressBarred, AddressUnusable, Answer, Question, ServerAway
from gateway.telephony.order_reading import SourceTrouble
from gateway.telephony.order_status import OrderHeader, OrderSource

SOURCE = OrderSource(url="https://shop.example/orders/{number}?full=1")
HEADERS = (OrderHeader(name="X-Api-Key", secret="k"), OrderHeader(name="X-Empty"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b'{"status": "shipped"}'), b'{"status": "shipped"}'),
        (Answer(200, b"x", is_cut=True), SourceTrouble.TOO_LARGE),
        (Answer(302), SourceTrouble.FAILED),
        (Answer(401), SourceTrouble.REFUSED),
        (Answer(403), SourceTrouble.REFUSED),
        (Answer(404), SourceTrouble.NOT_FOUND),
        (Answer(410), SourceTrouble.NOT_FOUND),
        (Answer(500), SourceTrouble.FAILED),
        (ServerAway("slow", is_slow=True), SourceTrouble.TOO_SLOW),
        (ServerAway("away", is_slow=False), SourceTrouble.UNREACHABLE),
        (AddressBarred("private"), SourceTrouble.PRIVATE_ADDRESS),
        (AddressUnusable("none"), SourceTrouble.UNREACHABLE),
    ],
)
async def test_what_a_program_answers(answer: Answer | Exception, expected: object) -> None:
    asked: list[Question] = []

    async def ask(question: Question) -> Answer:
        asked.append(question)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await shop_asker(ask)(SOURCE, HEADERS, "1001") == expected
    (question,) = asked
    assert (question.headers["X-Api-Key"], "X-Empty" in question.headers) == ("k", False)
    assert question == Question(
        "GET", "https://shop.example/orders/1001?full=1", headers=question.headers, seconds=PATIENCE_SECONDS
    ), "a private address is never asked because the shop wants it"
