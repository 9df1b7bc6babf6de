"""SIMCom SIM7500 and SIM7600. Source: firmware-notes/simcom.md."""

from __future__ import annotations

from typing import ClassVar

from gateway.modem.at import fields_of, name_of, number_in
from gateway.modem.commands import LOOK_SECONDS, Command, fixed, query
from gateway.modem.dialect import (
    COMMON_INIT,
    InitStep,
    ModemDialect,
    UssdCoding,
    VoicePlan,
    key_report,
    optional,
    signal_of,
)
from gateway.modem.reports import CallReport, Report, Stage
from gateway.telephony.shop import Loudness

FROM_MOBILE = {
    Loudness.QUIET: (fixed("AT+COUTGAIN=4"),),
    Loudness.NORMAL: (fixed("AT+COUTGAIN=8"),),
    Loudness.LOUD: (fixed("AT+COUTGAIN=8"),),
}
TO_MOBILE = {
    Loudness.QUIET: (fixed("AT+CMICGAIN=1"),),
    Loudness.NORMAL: (fixed("AT+CMICGAIN=3"),),
    Loudness.LOUD: (fixed("AT+CMICGAIN=5"),),
}
"""Where a user began who had found that all zeros are wrong; forgotten by the modem after each call."""

_MODELS = ("SIMCOM", "SIM7", "SIM8")


class Simcom(ModemDialect):
    """Tells each step of a call by +CLCC as news; takes and gives audio in blocks of 40 ms."""

    family = "simcom"
    init = (
        # Without it ATH says OK and hangs up nothing.
        InitStep(fixed("AT+CVHU=0")),
        *COMMON_INIT,
        *optional('AT+CSCS="UCS2"', "AT+CLCC=1", "AT+AUTOCSQ=1,1"),
    )
    iccid = (query("AT+CICCID", "+ICCID"), *ModemDialect.iccid)
    keys_on = fixed("AT+DDET=1")
    pin_tries = query("AT+SPIC", "+SPIC")
    temperature = query("AT+CPMUTEMP", "+CPMUTEMP", timeout_seconds=LOOK_SECONDS)
    band = query("AT+CPSI?", "+CPSI", timeout_seconds=LOOK_SECONDS)
    serial_voice: ClassVar[VoicePlan | None] = VoicePlan(
        check=query("AT+CPCMREG?", "+CPCMREG"),
        setup=(fixed("AT+CPCMFRM=0"), fixed("AT+CPCMREG=0")),
        when_active=(fixed("AT+CPCMREG=1"),),
        after_call=(fixed("AT+CPCMREG=0"),),
        patience_seconds=12.0,
        from_mobile=FROM_MOBILE,
        to_mobile=TO_MOBILE,
        block_frames=2,
    )
    voice_restart: ClassVar[tuple[Command, ...]] = (fixed("AT+CRESET"),)
    reports_calls = True
    ussd_coding = UssdCoding.UCS2

    @classmethod
    def fits(cls, manufacturer: str, model: str) -> bool:
        """By maker, or by model where a firmware names no maker."""
        return "simcom" in manufacturer.lower() or model.upper().startswith(_MODELS)

    def tries_left(self, answer: tuple[str, ...]) -> int | None:
        """`+SPIC: <pin1>,<puk1>,<pin2>,<puk2>`."""
        return number_in(fields_of(answer[0]), 0) if answer else None

    def _own_news(self, line: str) -> Report | None:
        if line.startswith("VOICE CALL: BEGIN"):
            return CallReport(stage=Stage.ACTIVE)
        if line.startswith(("VOICE CALL: END", "MISSED_CALL:")):
            return CallReport(stage=Stage.ENDED)
        match name_of(line):
            case "+RXDTMF" | "+DTMF":
                return key_report(fields_of(line)[0])
            case "+CSQN":
                return signal_of(number_in(fields_of(line), 0))
            case _:
                return None
