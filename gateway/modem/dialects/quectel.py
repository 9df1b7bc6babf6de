"""Quectel EC20, EC21, EC25, EG25-G, by serial voice port or as a sound card. Source: firmware-notes/quectel.md."""

from __future__ import annotations

from gateway.modem.at import fields_of, name_of, number_in
from gateway.modem.commands import LOOK_SECONDS, fixed, query
from gateway.modem.dialect import (
    CALL_STAGES,
    COMMON_INIT,
    ModemDialect,
    UssdCoding,
    VoicePlan,
    dialled_number,
    key_report,
    optional,
    signal_of,
)
from gateway.modem.reports import CallReport, Report, Stage, VoicePaused
from gateway.telephony.shop import Loudness

_DSCI_STAGES = {2: Stage.DIALLING, 7: Stage.ALERTING, 3: Stage.ACTIVE, 4: Stage.INCOMING, 6: Stage.ENDED}


_FROM_MOBILE = {
    Loudness.QUIET: (fixed("AT+QRXGAIN=10300"),),
    Loudness.LOUD: (fixed("AT+QRXGAIN=41000"),),
}
_TO_MOBILE = {
    Loudness.QUIET: (fixed("AT+QMIC=10300,8192"),),
    Loudness.LOUD: (fixed("AT+QMIC=41000,8192"),),
}
"""Half and twice the values that modules have from the factory (20577); unverified."""
_NEWS = frozenset({"+QIND", "^DSCI", "+QTONEDET", "+QPCMV"})
_USB_FLAGS = 7
"""Fields of +QCFG: "usbcfg" behind the ids, on a firmware that can be a sound card; the last one switches it."""


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
    # Once more before each call: after a +QPCMV=0 the next call is silent both ways.
    serial_voice = VoicePlan(
        check=query("AT+QPCMV?", "+QPCMV"),
        before=(fixed("AT+QPCMV=1,0"),),
        after_call=(fixed("AT+QPCMV=0"),),
        from_mobile=_FROM_MOBILE,
        to_mobile=_TO_MOBILE,
    )
    card_voice = VoicePlan(
        check=query('AT+QCFG="USBCFG"', "+QCFG"),
        before=(fixed("AT+QPCMV=1,2"),),
        after_call=(fixed("AT+QPCMV=0"),),
        from_mobile=_FROM_MOBILE,
        to_mobile=_TO_MOBILE,
        keys_as_tones=True,
    )
    temperature = query("AT+QTEMP", "+QTEMP", timeout_seconds=LOOK_SECONDS)
    band = query("AT+QNWINFO", "+QNWINFO", timeout_seconds=LOOK_SECONDS)
    ims = query('AT+QCFG="IMS"', "+QCFG")
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

    def why_mute(self, plan: VoicePlan, answer: tuple[str, ...] | None) -> str | None:
        """As a sound card: `+QCFG: "usbcfg",<vid>,<pid>,<diag>,<nmea>,<at>,<modem>,<rmnet>,<adb>,<uac>`."""
        if plan is not self.card_voice or not answer:
            return super().why_mute(plan, answer)
        flags = fields_of(answer[0])[3:]
        if len(flags) < _USB_FLAGS:
            return "has a firmware that cannot be a sound card: update it, or use its serial voice port"
        if flags[_USB_FLAGS - 1] != "1":
            return 'has its sound card switched off: the last value of AT+QCFG="USBCFG" must be 1, then AT+CFUN=1,1'
        return None

    def _own_news(self, line: str) -> Report | None:
        name = name_of(line)
        fields = fields_of(line) if name in _NEWS else []
        match name:
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
