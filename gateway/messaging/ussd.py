"""USSD for people: only what stands in the owner's list, exactly as it stands there (T-F11)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import NoFreeLine, UssdNotListed
from gateway.telephony.messages import TextLine, UssdAnswer
from gateway.telephony.shop import ShopView


class UssdDesk:
    """Asks by a line. Codes never come from a phone's keys: only the API and the balance check reach this."""

    def __init__(self, lines: Mapping[str, TextLine], *, shop: ShopView) -> None:
        self._lines = lines
        self._shop = shop
        self._open: set[str] = set()

    async def ask(self, name: str, text: str) -> UssdAnswer:
        """Send a listed code, or, while the network waits for one, a listed answer.

        Raises UssdNotListed, NoFreeLine (the line cannot ask now), and what the modem says: TextRefused,
        AtRefused, AtTimeout, ModemLost.
        """
        rules = self._shop().ussd
        settings = self._shop().line(name)
        line = self.line(name)
        codes = {*rules.codes, settings.balance_code if settings is not None else None}
        if text in codes:
            return await self.ask_code(line, text)
        if name in self._open and text in rules.answers:
            return await self._ask(line, text)
        raise UssdNotListed(f"{text[:40]!r} is not on the list of USSD codes.", text=text[:40])

    async def ask_code(self, line: TextLine, code: str) -> UssdAnswer:
        """Begin a session with a code that is known to be allowed; an open one is ended before."""
        self._open.discard(line.name)
        await line.end_session()
        return await self._ask(line, code)

    async def end(self, name: str) -> None:
        """End the session of that line, if there is one. Raises NoFreeLine, AtTimeout, ModemLost."""
        self._open.discard(name)
        await self.line(name).end_session()

    def line(self, name: str) -> TextLine:
        """The line of that name, ready to be asked by. Raises NoFreeLine."""
        line = self._lines.get(name)
        if line is None or not line.can_text:
            raise NoFreeLine(f"The line {name} cannot be asked now.", line=name)
        return line

    async def _ask(self, line: TextLine, text: str) -> UssdAnswer:
        answer = await line.ask(text)
        if answer.wants_answer:
            self._open.add(line.name)
        else:
            self._open.discard(line.name)
        return answer
