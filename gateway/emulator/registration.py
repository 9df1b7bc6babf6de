"""Whether a modem is registered, with whom, and how strongly it hears the network."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Registration(IntEnum):
    """27.007 clause 7.2."""

    IDLE = 0
    HOME = 1
    SEARCHING = 2
    DENIED = 3
    UNKNOWN = 4
    ROAMING = 5


@dataclass(slots=True)
class Radio:
    """The air as one modem finds it."""

    registration: Registration = Registration.HOME
    operator: str = "MegaSim"
    operator_code: str = "25001"
    technology: int = 7
    """27.007: 0 GSM, 2 UTRAN, 7 E-UTRAN."""
    signal: int = 19
    """As +CSQ gives it: 0 to 31, 99 unknown."""
    is_off: bool = False
    """CFUN 0 or 4."""

    @property
    def is_registered(self) -> bool:
        """Calls and messages can come and go."""
        return not self.is_off and self.registration in (Registration.HOME, Registration.ROAMING)

    def report(self, mode: str, *, lte: bool) -> str:
        """The fields of +CREG (or, `lte`, +CEREG) without the mode."""
        stat = Registration.IDLE if self.is_off else self.registration
        if lte and self.technology != 7:
            stat = Registration.IDLE
        if mode != "2" or stat not in (Registration.HOME, Registration.ROAMING):
            return str(int(stat))
        return f'{int(stat)},"5A1E","0B28A55A",{self.technology}'
