"""One encoder per AT command that carries a value: the only way for text to reach a modem (T-F12).

Every encoder checks its value against the one form that the command needs and raises TextRefused
otherwise; there is no escaping to get wrong. `fixed` makes commands of constants in the source.
Sources: 3GPP TS 27.007 and 27.005, ITU-T V.250; family commands as in firmware-notes/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.errors import TextRefused
from gateway.modem import gsm7
from gateway.telephony.numbers import Dialable

_COMMAND = re.compile(r"AT[ !-~]{0,560}")
_DIAL = re.compile(r"ATD\+?[0-9]{1,20};")
_FIXED = re.compile(r'AT(?:[EHZAI][0-9]?|[+^][A-Z0-9_]+(?:\?|=\?|=[A-Za-z0-9,"_]*)?)?')

ORDINARY_SECONDS = 5.0
LOOK_SECONDS = 2.0
"""For the questions by which a modem is looked after: modules answer them within 0.3 s."""
DIAL_SECONDS = 20.0
PROMPT_SECONDS = 5.0
SMS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """One command and how its answer is known among everything else that the modem says.

    `answers` are the names of its answer lines; `bare` takes lines without a name as well; `pdu_lines`
    takes lines of hex that follow a named one. `must_answer`: an OK without any answer line is a
    leftover of something else. `body`: hex that is sent after the prompt.
    """

    text: str
    answers: tuple[str, ...] = ()
    bare: bool = False
    pdu_lines: bool = False
    must_answer: bool = False
    dialling: bool = False
    body: str | None = None
    timeout_seconds: float = ORDINARY_SECONDS
    secret: bool = False

    def __post_init__(self) -> None:
        if not _COMMAND.fullmatch(self.text) or not re.fullmatch(r"(?:[0-9A-F]{2})*", self.body or ""):
            raise TextRefused("A command for a modem may hold printable ASCII only.")
        if self.text[:3].upper() == "ATD" and not _DIAL.fullmatch(self.text):
            raise TextRefused("A dial command must be one voice call to one number.")

    @property
    def wire(self) -> bytes:
        """The bytes for the port, up to the point where the modem answers or prompts."""
        return self.text.encode("ascii") + b"\r"

    @property
    def most_seconds(self) -> float:
        """How long it may run: until the prompt for its body, and from there to its result."""
        return self.timeout_seconds + (PROMPT_SECONDS if self.body is not None else 0.0)

    @property
    def shown(self) -> str:
        """The text for logs and errors."""
        return self.text.partition("=")[0] + "=..." if self.secret else self.text


def fixed(text: str, *, timeout_seconds: float = ORDINARY_SECONDS) -> Command:
    """A command that is a constant of the source: `fixed("AT+CMGF=0")`. A test checks that it is one."""
    if not _FIXED.fullmatch(text):
        raise TextRefused(f"{text!r} is not a constant command.")
    return Command(text, timeout_seconds=timeout_seconds)


def query(
    text: str,
    *answers: str,
    bare: bool = False,
    must_answer: bool = True,
    timeout_seconds: float = ORDINARY_SECONDS,
) -> Command:
    """A constant command whose answer is read; `answers` are names such as `+CSQ`."""
    command = fixed(text, timeout_seconds=timeout_seconds)
    return Command(
        command.text, answers=answers, bare=bare, must_answer=must_answer, timeout_seconds=command.timeout_seconds
    )


ATTENTION = fixed("AT", timeout_seconds=2.0)
ECHO_OFF = fixed("ATE0")
NUMBERED_ERRORS = fixed("AT+CMEE=1")
RESYNCHRONISE = Command("AT+CMEE?", answers=("+CMEE",), must_answer=True, timeout_seconds=3.0)
"""Asked by nobody else, so its answer line tells our final from an earlier command's late one."""
HANG_UP = fixed("AT+CHUP")
HANG_UP_OLD = fixed("ATH")
HIDE_NUMBER = fixed("AT+CLIR=1")
SHOW_NUMBER = fixed("AT+CLIR=2")
"""27.007 section 7.7: 1 asks the network to withhold our number, 2 to show it."""
ANSWER = Command("ATA", dialling=True, timeout_seconds=DIAL_SECONDS)
LIST_CALLS = Command("AT+CLCC", answers=("+CLCC",), timeout_seconds=3.0)
WHY_ENDED = Command("AT+CEER", answers=("+CEER",), timeout_seconds=2.0)
MANUFACTURER = query("AT+CGMI", "+CGMI", bare=True)
MODEL = query("AT+CGMM", "+CGMM", bare=True)
FIRMWARE = query("AT+CGMR", "+CGMR", bare=True)
IMEI = query("AT+CGSN", "+CGSN", bare=True)
INFORMATION = query("ATI", "+GCAP", bare=True)
FUNCTIONALITY = query("AT+CFUN?", "+CFUN")
STORAGES = query("AT+CPMS?", "+CPMS")
IMSI = query("AT+CIMI", "+CIMI", bare=True)
PIN_STATE = query("AT+CPIN?", "+CPIN", timeout_seconds=LOOK_SECONDS)
SIGNAL = query("AT+CSQ", "+CSQ", timeout_seconds=LOOK_SECONDS)
OPERATOR = query("AT+COPS?", "+COPS", timeout_seconds=LOOK_SECONDS)
REGISTRATION = query("AT+CREG?", "+CREG", timeout_seconds=LOOK_SECONDS)
LTE_REGISTRATION = query("AT+CEREG?", "+CEREG", timeout_seconds=LOOK_SECONDS)
MESSAGE_CENTRE = query("AT+CSCA?", "+CSCA", timeout_seconds=LOOK_SECONDS)
OWN_NUMBER = query("AT+CNUM", "+CNUM", must_answer=False)
ICCID_FILE = query("AT+CRSM=176,12258,0,0,10", "+CRSM")
LIST_MESSAGES = Command("AT+CMGL=4", answers=("+CMGL",), pdu_lines=True, timeout_seconds=30.0)
ACKNOWLEDGE_MESSAGE = fixed("AT+CNMA")
RESTART = fixed("AT+CFUN=1,1", timeout_seconds=10.0)


def dial(number: Dialable) -> Command:
    """`ATD<digits>;`: a voice call, never data."""
    digits = _checked(number.digits, r"\+?[0-9]{1,20}", "A number to dial")
    return Command(f"ATD{digits};", dialling=True, timeout_seconds=DIAL_SECONDS)


def enter_pin(pin: str) -> Command:
    """`AT+CPIN="<pin>"` (27.007 section 8.3): 4 to 8 digits, never shown."""
    if not re.fullmatch(r"[0-9]{4,8}", pin, re.ASCII):
        raise TextRefused("A PIN has 4 to 8 digits.")
    return Command(f'AT+CPIN="{pin}"', timeout_seconds=15.0, secret=True)


def vts(key: str) -> Command:
    """`AT+VTS="<key>"`: one DTMF key into the call (27.007 section C.2.11)."""
    return Command(f'AT+VTS="{_key(key)}"')


def huawei_dtmf(call: int, key: str) -> Command:
    """`AT^DTMF=<call>,<key>`. A-D are not supported there: the modem would send a wrong one."""
    return Command(f"AT^DTMF={_within(call, 1, 7)},{_checked(key, '[0-9*#]', 'A key')}")


def release_call(call: int) -> Command:
    """`AT+CHLD=1<call>`: release one call of several (27.007 section 7.13)."""
    return Command(f"AT+CHLD=1{_within(call, 1, 7)}")


def choose_storage(storage: str) -> Command:
    """`AT+CPMS="<storage>"`: read and delete there; where new ones go stays as it is (27.005 section 3.2.2)."""
    return Command(f'AT+CPMS="{_checked(storage, "SM|ME|MT", "An SMS storage")}"', answers=("+CPMS",))


def delete_message(index: int) -> Command:
    """`AT+CMGD=<index>` (27.005 section 3.5.4)."""
    return Command(f"AT+CMGD={_within(index, 0, 65535)}", timeout_seconds=10.0)


def send_message(tpdu: bytes) -> Command:
    """`AT+CMGS=<octets>` in PDU mode (27.005 section 4.3), with the SIM's own service centre."""
    if not 1 <= len(tpdu) <= 175:
        raise TextRefused("An SMS-SUBMIT has 1 to 175 octets.")
    return Command(
        f"AT+CMGS={len(tpdu)}",
        answers=("+CMGS",),
        must_answer=True,
        body="00" + tpdu.hex().upper(),
        timeout_seconds=SMS_SECONDS,
    )


def ussd_ucs2(text: str) -> Command:
    """`AT+CUSD=1,"<UCS-2 hex>",15`, for modems set to `CSCS="UCS2"` (27.007 section 7.15)."""
    return _ussd(_ussd_text(text).encode("utf-16-be").hex().upper())


def ussd_packed(text: str) -> Command:
    """The same with packed GSM-7 as hex, which Huawei wants."""
    return _ussd(gsm7.pack_ussd(_ussd_text(text)).hex().upper())


def ussd_plain(text: str) -> Command:
    """The same as it is, for modems set to `CSCS="GSM"`."""
    return _ussd(_ussd_text(text))


USSD_CANCEL = fixed("AT+CUSD=2")


def _ussd(coded: str) -> Command:
    return Command(f'AT+CUSD=1,"{coded}",15', timeout_seconds=20.0)


def _ussd_text(text: str) -> str:
    """A code or the answer in a session: digits, letters, `*`, `#`, `+`, `.` and inner spaces."""
    return _checked(text, r"[0-9A-Za-z*#+.]+(?: [0-9A-Za-z*#+.]+){0,20}", "A USSD text", longest=100)


def _key(key: str) -> str:
    return _checked(key, "[0-9*#A-D]", "A key")


def _checked(value: str, pattern: str, what: str, *, longest: int = 64) -> str:
    if len(value) > longest or not re.fullmatch(pattern, value, re.ASCII):
        raise TextRefused(f"{what} cannot be {value[:40]!r}.", value=value[:40])
    return value


def _within(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise TextRefused(f"{value} is not between {least} and {most}.")
    return value
