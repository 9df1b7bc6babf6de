"""Huawei sticks (E1550, E173, E1750, E3131 ...). Sources: MU509 AT manual issue 04, firmware-notes/huawei.md."""

from __future__ import annotations

from gateway.modem import commands
from gateway.modem.at import fields_of, name_of, number_in
from gateway.modem.commands import Command, fixed, query
from gateway.modem.dialect import COMMON_INIT, ModemDialect, UssdCoding, VoicePlan, optional, signal_of
from gateway.modem.reports import CallReport, Report, Stage
from gateway.telephony.causes import Cause, cause_of_q850
from gateway.telephony.shop import Loudness

_END_STATUS = {
    0: Cause.NETWORK_LOST,  # offline
    21: Cause.NETWORK_LOST,  # no service
    22: Cause.NETWORK_LOST,  # faded
    23: Cause.NO_SUCH_NUMBER,  # intercepted
    24: Cause.CONGESTION,  # reorder
}
"""`end_status` of ^CEND where the network gave no cause (MU509 page 141)."""


class Huawei(ModemDialect):
    """Tells each step of a call by ^ORIG, ^CONF, ^CONN and ^CEND; has no news of keys; sends them by ^DTMF."""

    family = "huawei"
    init = (*optional("AT^CURC=1", "AT+CSSN=1,1"), *COMMON_INIT)
    iccid = (query("AT^ICCID?", "^ICCID"), *ModemDialect.iccid)
    pin_tries = query("AT^CPIN?", "^CPIN")
    serial_voice = VoicePlan(
        check=query("AT^CVOICE?", "^CVOICE"),
        after_command=(fixed("AT^DDSETEX=2"),),
        # There is no command for the level of what the mobile hears.
        from_mobile={
            Loudness.QUIET: (fixed("AT+CLVL=3"),),
            Loudness.NORMAL: (fixed("AT+CLVL=5"),),
            Loudness.LOUD: (fixed("AT+CLVL=7"),),
        },
    )
    card_voice = None
    reports_calls = True
    ussd_coding = UssdCoding.PACKED

    @classmethod
    def fits(cls, manufacturer: str, model: str) -> bool:
        """`+CGMI` is "huawei" in any case."""
        del model
        return "huawei" in manufacturer.lower()

    def tries_left(self, answer: tuple[str, ...]) -> int | None:
        """`^CPIN: <state>,,<puk1>,<pin1>,<puk2>,<pin2>`."""
        return number_in(fields_of(answer[0]), 3) if answer else None

    def why_mute(self, plan: VoicePlan, answer: tuple[str, ...] | None) -> str | None:
        """`^CVOICE:0,8000,16,20` says that voice is on; `^CVOICE:1`, that it is disabled."""
        if answer and number_in(fields_of(answer[0]), 0) == 0:
            return None
        return super().why_mute(plan, answer) or "says by AT^CVOICE? that its firmware has voice switched off"

    def key_command(self, call: int, key: str) -> Command | None:
        """`^DTMF` sends a wrong key for A to D: those go as tones."""
        return None if key in "ABCD" else commands.huawei_dtmf(call, key)

    def _own_news(self, line: str) -> Report | None:
        fields = fields_of(line) if line.startswith("^") else []
        index = number_in(fields, 0)
        match name_of(line):
            case "^ORIG":
                return CallReport(stage=Stage.DIALLING, index=index, outgoing=True)
            case "^CONF":
                return CallReport(stage=Stage.ALERTING, index=index, outgoing=True)
            case "^CONN":
                return CallReport(stage=Stage.ACTIVE, index=index)
            case "^CEND":
                return CallReport(stage=Stage.ENDED, index=index, cause=_cause(fields))
            case "^RSSI":
                return signal_of(index)
            case _:
                return None


def _cause(fields: list[str]) -> Cause | None:
    cause = number_in(fields, 3)
    if cause:
        return cause_of_q850(cause)
    return _END_STATUS.get(number_in(fields, 2) or -1)
