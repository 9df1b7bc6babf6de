"""Families of modems as data: what they are called, how they answer, what they say unasked.

Sources: the transcripts and tables of public drivers and manuals (Huawei MU509 AT manual, Quectel
EC2x and SIMCom SIM7500_SIM7600 AT manuals); what no transcript shows is marked "unverified".
Templates are filled by `str.format`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Moment(StrEnum):
    """When a modem says something about a call."""

    DIALLING = "dialling"
    ALERTING = "alerting"
    ANSWERED = "answered"
    INCOMING = "incoming"
    """Before the first RING."""
    ENDED = "ended"
    MISSED = "missed"
    """An incoming call ended before it was answered; said after ENDED."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One unsolicited line about a call.

    Fields: {id} {direction} (0 from the modem, 1 to it) {number} {type} (129, 145 or 128) {seconds}
    {end_status} {cause} {clock} {result} (BUSY, NO ANSWER, NO CARRIER; empty when the host hung up).
    A sign that becomes an empty line is not sent.
    """

    text: str
    needs: str | None = None
    """A setting that must not be "0" for the sign to be given."""
    before_ok: bool = False
    """It comes before the OK of ATD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Personality:
    """One family."""

    family: str
    manufacturer: str
    model: str
    revision: str
    signs: Mapping[Moment, tuple[Sign, ...]]
    boot: tuple[str, ...] = ()
    """What it says when it has started."""
    noise: tuple[Sign, ...] = ()
    """What it says at any time; {rssi} is the signal, 0 to 31."""
    fixed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Whole commands and the lines of their answers; {imei} {iccid} {imsi} {pin1} {puk1} {rssi} are filled in."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What can be set and read back, with the value after a start."""
    block_bytes: int = 320
    """What the voice port moves per tick: 320 in 20 ms, 640 in 40 ms."""
    first_call_id: int = 1
    data_session: str | None = None
    """A row of AT+CLCC that is no voice call."""
    bare_clir: bool = True
    ussd_packed: bool = False
    """USSD travels as packed 7-bit hex instead of text."""
    final_in_cend: bool = False
    """The end of a call is told by ^CEND alone, never by NO CARRIER or BUSY."""
    ring_seconds: float = 5.0
    boot_seconds: float = 1.0
    """From power on until the ports are there and the modem answers."""


_CLOCK_SETTINGS = {"+CTZR": "0", "+CTZU": "0"}

_COMMON_SETTINGS = {
    "+CLVL": "3", "+CMUT": "0", "+VTD": "1", "+CSSN": "0,0", "+COLP": "0", "+CSDH": "0", "+CMMS": "0",
    "+CSMP": "17,167,0,0", "+CCWA": "0", "+CRC": "0", "+CLIP": "0", "+CLIR": "0", "+CMGF": "0", "+CREG": "0",
    "+CGREG": "0", "+CNMI": "0,0,0,0,0", "+CMEE": "0", "+CSTA": "129", "+CMOD": "0", "+CR": "0", "+CPMS": "SM,SM,SM",
}  # fmt: skip

HUAWEI = Personality(
    family="huawei",
    manufacturer="huawei",
    model="E1550",
    revision="11.608.14.15.311",
    boot=("^BOOT:37478870,0,0,0,77", "^SRVST:2", "^SIMST:1", "^MODE:5,4"),
    noise=(Sign("^RSSI:{rssi}", "^CURC"), Sign("^BOOT:37478870,0,0,0,77", "^CURC"), Sign("^MODE:5,4", "^CURC")),
    fixed={
        "AT^CPIN?": ("^CPIN: {cpin},,{puk1},{pin1},10,3",),
        "AT^ICCID?": ("^ICCID: {iccid}",),
        "AT^SYSINFO": ("^SYSINFO:2,3,0,5,1,,4",),
        "AT^CARDLOCK?": ("^CARDLOCK: 2,0,0",),
        "AT^GETPORTMODE": ("^GETPORTMODE: TYPE: WCDMA: huawei,MDM:0,DIAG:1,PCUI:2",),
        "AT^HWVER": ("^HWVER:\"CD25TCPV\"",),
        "AT^CSNR?": ("^CSNR: {imei},",),
    },
    settings=_COMMON_SETTINGS | {
        "^CURC": "1", "^U2DIAG": "0", "^SYSCFG": "2,0,3FFFFFFF,2,4", "^PORTSEL": "0", "^DDSETEX": "0",
        "^RFSWITCH": "1,1", "^USSDMODE": "0", "^STSF": "0", "^CVOICE": "0,8000,16,20",
    },
    signs={
        Moment.DIALLING: (Sign("^ORIG:{id},0"),),
        Moment.ALERTING: (Sign("^CONF:{id}"),),
        Moment.ANSWERED: (Sign("^CONN:{id},0"),),
        Moment.ENDED: (Sign("^CEND:{id},{seconds},{end_status},{cause}"),),
    },
    ussd_packed=True,
    final_in_cend=True,
)  # fmt: skip

_CCINFO = '+QIND: "ccinfo",{{id}},{{direction}},{state},0,0,"{{number}}",{{type}}'
_DSCI = "^DSCI: {{id}},{{direction}},{state},0,{{number}},{{type}}"


def _quectel(ccinfo: int, dsci: int) -> tuple[Sign, Sign]:
    return Sign(_CCINFO.format(state=ccinfo), needs="ccinfo"), Sign(_DSCI.format(state=dsci), needs="^DSCI")


QUECTEL = Personality(
    family="quectel",
    manufacturer="Quectel",
    model="EC25",
    revision="EC25EFAR06A06M4G",
    boot=("RDY", "+CFUN: 1", "+CPIN: {cpin}", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"),
    noise=(Sign('+QIND: "csq",{rssi},99', "csq"),),
    fixed={
        "AT+QCCID": ("+QCCID: {iccid}",),
        "AT+QPINC?": ('+QPINC: "SC",{pin1},{puk1}', '+QPINC: "P2",3,10'),
        "AT+QNWINFO": ('+QNWINFO: "FDD LTE","25001","LTE BAND 3",1300',),
        "AT+QTEMP": ("+QTEMP: 34,31,30",),
        "AT+QCSQ": ('+QCSQ: "LTE",58,-89,160,-10',),
        "AT+QSPN": ('+QSPN: "MegaSim","MegaSim","",0,"25001"',),
        'AT+QCFG="USBCFG"': ('+QCFG: "usbcfg",0x2C7C,0x0125,1,1,1,1,1,0,0',),
        'AT+QCFG="IMS"': ('+QCFG: "ims",1,1',),
        'AT+QCFG="NWSCANMODE"': ('+QCFG: "nwscanmode",0,1',),
        "AT+QMIC?": ("+QMIC: 20577,8192",),
        "AT+QRXGAIN?": ("+QRXGAIN: 20577",),
    },
    settings=_COMMON_SETTINGS | _CLOCK_SETTINGS | {
        "+CPMS": "ME,ME,ME",
        "^DSCI": "0", "+CEREG": "0", "+QTONEDET": "0", "+QPCMV": "0,2", "+QAUDMOD": "0", "+QEEC": "0",
        "+QMIC": "20577,8192", "+QRXGAIN": "20577", "+QAUDLOOP": "0", "+QSIDET": "0", "+QURCCFG": '"urcport","usbat"',
        "+QGPSCFG": '"outport","usbnmea"', "+QCFG": "", "+QSIMSTAT": "0,1", "+QINISTAT": "7",
    },
    signs={
        Moment.DIALLING: _quectel(2, 2),
        Moment.ALERTING: _quectel(3, 7),
        Moment.ANSWERED: _quectel(0, 3),
        Moment.INCOMING: _quectel(4, 4),
        Moment.ENDED: (*_quectel(-1, 6), Sign("{result}")),
    },
    first_call_id=2,
    data_session='1,0,0,1,0,"",128',
)  # fmt: skip


def _clcc(state: int, *, before_ok: bool = False) -> Sign:
    return Sign(f'+CLCC: {{id}},{{direction}},{state},0,0,"{{number}}",{{type}},""', "+CLCC", before_ok)


SIMCOM = Personality(
    family="simcom",
    manufacturer="SIMCOM INCORPORATED",
    model="SIMCOM_SIM7600E-H",
    revision="LE20B05SIM7600G22",
    boot=("RDY", "+CPIN: {cpin}", "SMS DONE", "PB DONE"),
    noise=(Sign("+CSQN: {rssi},0", "+AUTOCSQ"), Sign('*PSUTTZ: 26/01/15,09:30:00","+12",0', "+CLTS"),
           Sign("DST: 0", "+CLTS")),
    fixed={
        "AT+CCID": ("+CCID: {iccid}",),
        "AT+CICCID": ("+ICCID: {iccid}",),
        "AT+SPIC": ("+SPIC: {pin1},{puk1},3,10",),
        "AT+CPSI?": ("+CPSI: LTE,Online,250-01,0x5A1E,187214346,257,EUTRAN-BAND3,1300,4,4,-141,-1149,-801,11",),
        "AT+CPMUTEMP": ("+CPMUTEMP: 31",),
        "AT+CSPN?": ('+CSPN: "MegaSim",0',),
        "AT+CNMP?": ("+CNMP: 2",),
    },
    settings=_COMMON_SETTINGS | {
        "+CEREG": "0", "+CVHU": "1", "+DDET": "0", "+CPCMFRM": "0", "+CPCMREG": "0", "+CMICGAIN": "3",
        "+COUTGAIN": "4", "+CTXVOL": "8192", "+CRXVOL": "100", "+CECM": "1", "+CPCMBANDWIDTH": "1,1",
        "+CNSMOD": "0", "+AUTOCSQ": "0,0", "+EXUNSOL": "", "+CLTS": "0", "+CLCC": "0", "+CSDVC": "1", "+MSTK": "0",
        "+CTXGAIN": "0", "+CRXGAIN": "0", "+CTZU": "0", "+CTZR": "0",
    },
    signs={
        Moment.DIALLING: (_clcc(2, before_ok=True),),
        Moment.ALERTING: (_clcc(3),),
        Moment.ANSWERED: (Sign("VOICE CALL: BEGIN"), _clcc(0)),
        Moment.INCOMING: (_clcc(4),),
        Moment.ENDED: (Sign("VOICE CALL: END: {seconds:06d}"), _clcc(6), Sign("{result}")),
        Moment.MISSED: (Sign("MISSED_CALL: {clock} {number}"),),
    },
    block_bytes=640,
)  # fmt: skip

GENERIC = Personality(
    family="generic",
    manufacturer="Acme",
    model="Modem 1",
    revision="1.0",
    fixed={"AT+CCID": ("+CCID: {iccid}",)},
    settings=_COMMON_SETTINGS,
    signs={Moment.ENDED: (Sign("{result}"),)},
)

PERSONALITIES: dict[str, Personality] = {each.family: each for each in (HUAWEI, QUECTEL, SIMCOM, GENERIC)}
