"""ModemDialect: what a family of modems says and wants to hear. A family is one file of data and a few overrides.

The base class speaks what 3GPP TS 27.007 and 27.005 say; what it does not know of a line is None,
never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from gateway.modem import commands
from gateway.modem.at import fields_of, name_of, number_in
from gateway.modem.commands import Command, fixed
from gateway.modem.reports import (
    CallReport,
    DeliveryReported,
    KeyReport,
    MessageArrived,
    MessageStored,
    RegistrationReport,
    Report,
    Restarted,
    SignalReport,
    SimReport,
    Stage,
    StorageFull,
    UssdReport,
)
from gateway.telephony.causes import Cause
from gateway.telephony.shop import Loudness

CALL_STAGES = (Stage.ACTIVE, Stage.OTHER, Stage.DIALLING, Stage.ALERTING, Stage.INCOMING, Stage.OTHER, Stage.ENDED)
"""By `<stat>` of +CLCC; 6 is SIMCom's own."""


@dataclass(frozen=True, slots=True)
class InitStep:
    """A command of the initialisation. Only a mandatory one that is refused stops it; `instead` is tried first."""

    command: Command
    mandatory: bool = False
    instead: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicePlan:
    """How voice is had from a family by one kind of path. Each list is sent in order; a refusal stops nothing."""

    check: Command | None = None
    """Its answer says whether voice passes."""
    setup: tuple[Command, ...] = ()
    """Once after each start."""
    before: tuple[Command, ...] = ()
    after_command: tuple[Command, ...] = ()
    """Right after the modem has taken ATD or ATA."""
    when_active: tuple[Command, ...] = ()
    """Once the call is up; tried again while it is refused, for `patience_seconds`."""
    after_call: tuple[Command, ...] = ()
    patience_seconds: float = 0.0
    from_mobile: Mapping[Loudness, tuple[Command, ...]] = field(default_factory=dict)
    """Levels of what the mobile says, set in each call; a family without a word for NORMAL keeps its own."""
    to_mobile: Mapping[Loudness, tuple[Command, ...]] = field(default_factory=dict)
    keys_as_tones: bool = False
    """The key commands of the family are not heard over this path: keys go as tones in the sound."""
    block_frames: int = 1
    """What the modem takes and gives at once, in frames of 20 ms."""


class UssdCoding(Enum):
    """How a USSD text travels."""

    PLAIN = "plain"
    PACKED = "packed"
    UCS2 = "ucs2"


def optional(*texts: str) -> tuple[InitStep, ...]:
    """Steps that a modem may refuse."""
    return tuple(InitStep(fixed(text)) for text in texts)


COMMON_INIT: tuple[InitStep, ...] = (
    InitStep(fixed("AT+CMGF=0"), mandatory=True),
    *optional("AT+CLIP=1", "AT+CCWA=0,0,1", "AT+COPS=3,0", "AT+CREG=2", "AT+CEREG=2"),
    InitStep(fixed("AT+CNMI=2,1,0,1,0"), instead=fixed("AT+CNMI=1,1,0,0,0")),
)
"""What every family gets; refused steps cost nothing but comfort."""


_COLDEST, _WARMEST = -40, 125
"""Degrees that a sensor in a modem can mean."""


class ModemDialect:
    """A family. One object per modem: some families count or remember."""

    family: ClassVar[str] = "generic"

    # Start.
    init: ClassVar[tuple[InitStep, ...]] = COMMON_INIT
    iccid: ClassVar[tuple[Command, ...]] = (
        commands.query("AT+CCID", "+CCID", "+ICCID", bare=True),
        commands.ICCID_FILE,
    )
    keys_on: ClassVar[Command | None] = None
    """Switches on news of pressed keys; None: the modem has none. The audio is listened to as well until one comes."""

    ims: ClassVar[Command | None] = None
    """Asks whether calls can go over LTE (VoLTE); the answer is `<name>,<configured>,<active>`."""

    pin_tries: ClassVar[Command | None] = None
    """Asks how often the PIN may still be tried."""

    temperature: ClassVar[Command | None] = None
    """Asks how warm it is; None: the family is not known to tell."""

    band: ClassVar[Command | None] = None
    """Asks in which band it is."""

    # Voice.
    serial_voice: ClassVar[VoicePlan | None] = VoicePlan()
    """Over a serial port of the modem; None: such a modem has none."""
    card_voice: ClassVar[VoicePlan | None] = VoicePlan()
    """Over a sound card, its own or one that is wired to it; None: it has no such sound."""

    # Calls.
    hang_up: ClassVar[tuple[Command, ...]] = (commands.HANG_UP,)
    hang_up_otherwise: ClassVar[tuple[Command, ...]] = (commands.HANG_UP_OLD,)
    reports_calls: ClassVar[bool] = False
    """True: every step of a call is told by news, and +CLCC is asked only to make sure."""

    ussd_coding: ClassVar[UssdCoding] = UssdCoding.PLAIN
    hides_number = False
    """The modem was told to withhold our number; it keeps to that until told otherwise."""
    restart: ClassVar[tuple[Command, ...]] = (commands.RESTART,)
    voice_restart: ClassVar[tuple[Command, ...]] = ()
    """What mends a voice path that has gone bad over several calls; empty: the family is not known for that."""

    @classmethod
    def fits(cls, manufacturer: str, model: str) -> bool:
        """Whether a modem that names itself so belongs to this family."""
        del manufacturer, model
        return True

    def tries_left(self, answer: tuple[str, ...]) -> int | None:
        """How often the PIN may still be tried, from the answer to `pin_tries`; None: it does not say."""
        del answer
        return None

    def celsius(self, answer: tuple[str, ...]) -> int | None:
        """How warm it is, from the answer to `temperature`; of several sensors the warmest."""
        found = [
            each for line in answer for place in range(8) if (each := number_in(fields_of(line), place)) is not None
        ]
        return max((each for each in found if _COLDEST <= each <= _WARMEST), default=None)

    def band_name(self, answer: tuple[str, ...]) -> str | None:
        """The band as the family calls it, from the answer to `band`."""
        return next((field for line in answer for field in fields_of(line) if "BAND" in field.upper()), None)

    def why_mute(self, plan: VoicePlan, answer: tuple[str, ...] | None) -> str | None:
        """Why no voice passes, in words that follow "it"; None: it does. `answer` None: the check was refused."""
        if plan.check is None or answer is not None:
            return None
        return f"refuses {plan.check.text}"

    def key_command(self, call: int, key: str) -> Command | None:
        """The command that sends a key; None: it must be sent as a tone."""
        del call
        return commands.vts(key)

    def understand(self, line: str, pdu: str | None = None) -> Report | None:
        """What the line means; None: nothing to us."""
        report = self._own_news(line)
        return report if report is not None else _common_news(line, pdu)

    def _own_news(self, line: str) -> Report | None:
        """For the family: news that the standards do not know."""
        del line
        return None


def dialled_number(digits: str, kind: int | None) -> str:
    """A number as the network gave it, with `+` where its type (145) says international."""
    if not re.fullmatch(r"\+?[0-9*#A-Ca-c]{1,40}", digits, re.ASCII):
        return ""
    return "+" + digits if kind == 145 and not digits.startswith("+") else digits


def nibble_swapped(digits: str) -> str:
    """The digits of EF-ICCID (ETSI TS 102 221 section 13.2), which +CRSM gives in swapped pairs."""
    return "".join(high + low for low, high in zip(digits[::2], digits[1::2], strict=False))


def call_row(line: str) -> CallReport | None:
    """A row of +CLCC (27.007 section 7.18), as an answer or, with SIMCom, as news; None: no voice call."""
    fields = fields_of(line)
    index, direction, state, mode = (number_in(fields, position) for position in range(4))
    if direction not in (0, 1) or state is None or not 0 <= state < len(CALL_STAGES) or mode != 0:
        return None
    number = dialled_number(fields[5], number_in(fields, 6)) if len(fields) > 6 else None
    return CallReport(stage=CALL_STAGES[state], index=index, outgoing=direction == 0, number=number)


def registration(line: str) -> RegistrationReport | None:
    """`+CREG` as news (`<stat>[,<lac>,<ci>[,<AcT>]]`) or as an answer (`<n>,<stat>...`); places are quoted."""
    values = line.partition(":")[2].strip().split(",")
    numbers = [int(value) if re.fullmatch(r"[0-9]{1,3}", value.strip(), re.ASCII) else None for value in values]
    is_answer = len(values) > 1 and numbers[1] is not None and not values[1].strip().startswith('"')
    place = 1 if is_answer else 0
    status = numbers[place]
    if status is None:
        return None
    technology = numbers[place + 3] if len(numbers) > place + 3 else None
    return RegistrationReport(lte=line.startswith("+CEREG"), status=status, technology=technology)


def signal_of(quality: int | None) -> SignalReport:
    """`<rssi>` of +CSQ in dBm (27.007 section 8.5)."""
    return SignalReport(-113 + 2 * quality if quality is not None and 0 <= quality <= 31 else None)


def key_report(key: str) -> KeyReport | None:
    """News of a key, if it is one."""
    return KeyReport(key.upper()) if re.fullmatch(r"[0-9*#A-Da-d]", key, re.ASCII) else None


_ENDINGS = {
    "NO CARRIER": None,
    "BUSY": Cause.BUSY,
    "NO ANSWER": Cause.NO_ANSWER,
    "NO DIALTONE": Cause.CONGESTION,
    "NO DIAL TONE": Cause.CONGESTION,
}


_CAUSE_WORDS = {
    "unassigned": Cause.NO_SUCH_NUMBER,
    "no route": Cause.UNREACHABLE,
    "barring": Cause.NUMBER_BARRED,
    "user busy": Cause.BUSY,
    "no user responding": Cause.NO_ANSWER,
    "no answer": Cause.NO_ANSWER,
    "subscriber absent": Cause.UNREACHABLE,
    "call rejected": Cause.REJECTED,
    "number changed": Cause.NO_SUCH_NUMBER,
    "destination out of order": Cause.UNREACHABLE,
    "invalid number": Cause.NO_SUCH_NUMBER,
    "circuit": Cause.CONGESTION,
    "congestion": Cause.CONGESTION,
    "temporary failure": Cause.CONGESTION,
}


def cause_in(line: str) -> Cause | None:
    """The cause in an answer to +CEER, by the words of 3GPP TS 24.008 annex H; families write them differently."""
    words = line.lower()
    return next((cause for phrase, cause in _CAUSE_WORDS.items() if phrase in words), None)


def ending(line: str) -> CallReport | None:
    """A call result as news of the call's end."""
    return CallReport(stage=Stage.ENDED, cause=_ENDINGS[line]) if line in _ENDINGS else None


def _common_news(line: str, pdu: str | None) -> Report | None:
    if line == "RING":
        return CallReport(stage=Stage.INCOMING, outgoing=False)
    if line == "RDY":
        return Restarted()
    understand = _COMMON_NEWS.get(name_of(line) or "")
    return understand(line, pdu) if understand is not None else ending(line)


def _clip(line: str) -> CallReport:
    fields = fields_of(line)
    return CallReport(stage=Stage.INCOMING, outgoing=False, number=dialled_number(fields[0], number_in(fields, 1)))


def _stored(line: str) -> MessageStored:
    """`<mem>,<index>`; the index may be negative (some firmwares), so it is not relied on."""
    storage = fields_of(line)[0]
    return MessageStored(storage if storage in {"SM", "ME", "MT"} else None)


def _ussd(line: str) -> UssdReport | None:
    fields = fields_of(line)
    mode = number_in(fields, 0)
    if mode is None:
        return None
    quoted = re.search(r'"(.*)"', line, re.DOTALL)
    coding = re.search(r'",\s*([0-9]{1,3})\s*$', line)
    text = quoted[1] if quoted else (fields[1] if len(fields) > 1 else "")
    return UssdReport(mode, text, int(coding[1]) if coding else None)


_COMMON_NEWS: dict[str, Callable[[str, str | None], Report | None]] = {
    "+CLIP": lambda line, _: _clip(line),
    "+CRING": lambda _, __: CallReport(stage=Stage.INCOMING, outgoing=False),
    "+CLCC": lambda line, _: call_row(line),
    "+CMTI": lambda line, _: _stored(line),
    "+CDSI": lambda line, _: _stored(line),
    "+CMT": lambda _, pdu: MessageArrived(pdu),
    "+CDS": lambda _, pdu: DeliveryReported(pdu),
    "^SMMEMFULL": lambda _, __: StorageFull(),
    "+CUSD": lambda line, _: _ussd(line),
    "+CREG": lambda line, _: registration(line),
    "+CEREG": lambda line, _: registration(line),
    "+CSQ": lambda line, _: signal_of(number_in(fields_of(line), 0)),
    "+CPIN": lambda line, _: SimReport(fields_of(line)[0]),
}
