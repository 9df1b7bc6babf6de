"""Quectel EC20, EC21, EC25, EG25-G with voice over the USB NMEA port. Source: firmware-notes/quectel.md."""

from __future__ import annotations

from gateway.modem.at import fields_of, name_of, number_in
from gateway.modem.commands import fixed, query
from gateway.modem.dialect import (
    CALL_STAGES,
    COMMON_INIT,
    ModemDialect,
    UssdCoding,
    dialled_number,
    key_report,
    optional,
    signal_of,
)
from gateway.modem.reports import CallReport, Report, Stage, VoicePaused

_DSCI_STAGES = {2: Stage.DIALLING, 7: Stage.ALERTING, 3: Stage.ACTIVE, 4: Stage.INCOMING, 6: Stage.ENDED}


class Quectel(ModemDialect):
    """Tells each step of a call by +QIND: "ccinfo" (older firmwares by ^DSCI), and keys by +QTONEDET."""

    family = "quectel"
    init = (
        *COMMON_INIT,
        *optional(
            'AT+CSCS="UCS2"',
            "AT^DSCI=1",
            'AT+QINDCFG="ccinfo",1,0',
            'AT+QINDCFG="csq",1,0',
            'AT+QGPSCFG="outport","none"',
        ),
    )
    iccid = (query("AT+QCCID", "+QCCID"), *ModemDialect.iccid)
    keys_on = fixed("AT+QTONEDET=1")
    pin_tries = query("AT+QPINC?", "+QPINC")
    voice_check = query("AT+QPCMV?", "+QPCMV")
    # Once more before each call: after a +QPCMV=0 the next call is silent both ways.
    voice_before = (fixed("AT+QPCMV=1,0"),)
    voice_after_call = (fixed("AT+QPCMV=0"),)
    reports_calls = True
    ussd_coding = UssdCoding.UCS2

    @classmethod
    def fits(cls, manufacturer: str, model: str) -> bool:
        """`+CGMI` begins with "Quectel"."""
        del model
        return manufacturer.lower().startswith("quectel")

    def tries_left(self, answer: tuple[str, ...]) -> int | None:
        """`+QPINC: "SC",<pin1>,<puk1>` and a second row for PIN2."""
        return next((number_in(fields, 1) for fields in map(fields_of, answer) if fields[0] == "SC"), None)

    def _own_news(self, line: str) -> Report | None:
        fields = fields_of(line)
        match name_of(line):
            case "+QIND" if fields[0] == "ccinfo":
                return _call_info(fields)
            case "+QIND" if fields[0] == "csq":
                return signal_of(number_in(fields, 1))
            case "^DSCI":
                return _dsci(fields)
            case "+QTONEDET":
                code = number_in(fields, 0)
                return key_report(chr(code)) if code is not None and 32 <= code < 127 else None
            case "+QPCMV":
                return VoicePaused(number_in(fields, 0) == 0)
            case _:
                return None


def _call_info(fields: list[str]) -> CallReport | None:
    """`"ccinfo",<id>,<dir>,<stat>,<mode>,<mpty>,<number>,<type>`; `<stat>` as in +CLCC, -1 for the end."""
    index, direction, state, mode = (number_in(fields, position) for position in range(1, 5))
    if direction not in (0, 1) or state is None or not -1 <= state <= 5 or mode != 0:
        return None
    number = dialled_number(fields[6], number_in(fields, 7)) if len(fields) > 7 else None
    stage = Stage.ENDED if state == -1 else CALL_STAGES[state]
    return CallReport(stage=stage, index=index, outgoing=direction == 0, number=number)


def _dsci(fields: list[str]) -> CallReport | None:
    """`<id>,<dir>,<stat>,<type>,<number>,<numbertype>`; only `<type>` 0 is voice."""
    index, direction, state, kind = (number_in(fields, position) for position in range(4))
    if direction not in (0, 1) or state not in _DSCI_STAGES or kind != 0:
        return None
    number = dialled_number(fields[4], number_in(fields, 5)) if len(fields) > 5 else None
    return CallReport(stage=_DSCI_STAGES[state], index=index, outgoing=direction == 0, number=number)
