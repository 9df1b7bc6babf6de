"""The lines of the shop as far as they carry messages and USSD, on whichever modems they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from gateway.errors import ModemLost
from gateway.modem import pdu
from gateway.modem.modem import Modem
from gateway.modem.ussd import Ussd
from gateway.telephony.line import LineState
from gateway.telephony.messages import PartOutcome, PartRefused, TextLine, UssdAnswer
from gateway.telephony.numbers import Dialable
from gateway.telephony.shop import ShopView

_CAN_TEXT = (LineState.READY, LineState.ROAMING)
_ANY_NUMBER = "+70000000000"


def count_parts(text: str) -> int:
    """In how many parts a text travels. Raises PduInvalid for one that cannot be sent."""
    return len(pdu.submit_parts(_ANY_NUMBER, text, reference=0))


class ModemTextLines(Mapping[str, TextLine]):
    """The lines of the shop as it is at the moment of looking."""

    def __init__(self, shop: ShopView, modem_of: Callable[[str], Modem | None]) -> None:
        self._shop = shop
        self._modem_of = modem_of

    def __getitem__(self, name: str) -> TextLine:
        if self._shop().line(name) is None:
            raise KeyError(name)
        return ModemTextLine(name, self._modem_of)

    def __iter__(self) -> Iterator[str]:
        return (line.name for line in self._shop().lines)

    def __len__(self) -> int:
        return len(self._shop().lines)


class ModemTextLine:
    """Implements telephony.messages.TextLine."""

    def __init__(self, name: str, modem_of: Callable[[str], Modem | None]) -> None:
        self._name = name
        self._modem_of = modem_of

    @property
    def name(self) -> str:
        """As in shop.toml."""
        return self._name

    @property
    def can_text(self) -> bool:
        """Registered, at home or abroad, and no call that would have to wait behind a message of several seconds."""
        modem = self._modem
        return modem is not None and modem.service is not None and modem.line_state in _CAN_TEXT

    @property
    def imsi(self) -> str:
        """Which SIM it is; empty while that is not known."""
        modem = self._modem
        return (modem.facts.imsi or "") if modem is not None else ""

    @property
    def signal_dbm(self) -> int | None:
        """How well it is heard."""
        modem = self._modem
        return modem.facts.signal_dbm if modem is not None else None

    @property
    def operator(self) -> str | None:
        """Whose network it is in."""
        modem = self._modem
        return modem.facts.operator if modem is not None else None

    async def send_part(
        self, number: Dialable, text: str, *, reference: int, part: int, valid_for: timedelta | None = None
    ) -> PartOutcome:
        """Send part `part` (from 1) of the text. Raises PduInvalid for what cannot be a message."""
        modem = self._modem
        if modem is None or modem.service is None:
            return PartRefused(ModemLost.code, is_final=False)
        return await modem.service.messages.send_part(number, text, reference=reference, part=part, valid_for=valid_for)

    async def ask(self, code: str) -> UssdAnswer:
        """Send a USSD code, or the reply in an open session. Raises TextRefused, AtRefused, AtTimeout, ModemLost."""
        return await self._ussd().ask(code)

    async def end_session(self) -> None:
        """End an open USSD session, if there is one. Raises AtTimeout, ModemLost."""
        await self._ussd().end()

    def _ussd(self) -> Ussd:
        modem = self._modem
        if modem is None or modem.service is None:
            raise ModemLost(f"The line {self._name} has no modem now.", line=self._name)
        return modem.service.ussd

    @property
    def _modem(self) -> Modem | None:
        return self._modem_of(self._name)
