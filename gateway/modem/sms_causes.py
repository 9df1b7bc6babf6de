"""Why a message was not sent: the result codes of AT+CMGS, and whether another try may end better.

Sources: 3GPP TS 27.005 section 3.2.5 (+CMS ERROR; 0 to 127 are RP causes of TS 24.011 annex E-2, 128 to 255 TP
causes of TS 23.040 section 9.2.3.22, 300 to 511 of the modem itself), TS 27.007 section 9.2 (+CME ERROR).
"""

from __future__ import annotations

import re

from gateway.telephony.messages import PartRefused

_NUMBER_WRONG = PartRefused("sms-number-wrong", is_final=True)
_BARRED = PartRefused("sms-barred", is_final=True)
_REJECTED = PartRefused("sms-rejected", is_final=True)
_NO_CENTRE = PartRefused("sms-centre-unknown", is_final=True)
_NO_NETWORK = PartRefused("sms-no-network", is_final=False)
_NETWORK_BUSY = PartRefused("sms-network-busy", is_final=False)
_SIM_TROUBLE = PartRefused("sms-sim-trouble", is_final=False)

_CMS = {
    1: _NUMBER_WRONG,  # unassigned number
    8: _BARRED,  # operator determined barring
    10: _BARRED,  # call barred
    21: _REJECTED,  # transfer rejected
    27: _NETWORK_BUSY,  # destination out of order
    28: _NUMBER_WRONG,  # unidentified subscriber
    29: _BARRED,  # facility rejected
    30: _NUMBER_WRONG,  # unknown subscriber
    38: _NETWORK_BUSY, 41: _NETWORK_BUSY, 42: _NETWORK_BUSY, 47: _NETWORK_BUSY,
    50: _BARRED,  # facility not subscribed
    69: _BARRED,  # facility not implemented
    81: _REJECTED, 95: _REJECTED, 96: _REJECTED, 97: _REJECTED, 98: _REJECTED, 99: _REJECTED,
    111: _NETWORK_BUSY, 127: _NETWORK_BUSY,
    192: _NETWORK_BUSY, 193: _REJECTED, 194: _NETWORK_BUSY, 195: _NETWORK_BUSY,  # centre busy, no subscription, fault
    196: _REJECTED, 197: _NETWORK_BUSY, 198: _REJECTED,
    302: _SIM_TROUBLE, 303: _REJECTED, 304: _REJECTED, 305: _REJECTED,
    330: _NO_CENTRE,
    331: _NO_NETWORK,
}  # fmt: skip

_CME = {30: _NO_NETWORK, 31: _NETWORK_BUSY, 32: _NO_NETWORK}


def is_ambiguous(result: str) -> bool:
    """The network did not answer in time (332): it may have the message."""
    return re.fullmatch(r"\+CMS ERROR: ?332", result) is not None


def refusal_of(result: str) -> PartRefused:
    """What the result line of a refused AT+CMGS means; what no standard knows is tried again."""
    match = re.fullmatch(r"\+(CM[ES]) ERROR: ?([0-9]{1,5})", result)
    if match is None:
        return _SIM_TROUBLE
    number = int(match[2])
    if match[1] == "CME":
        return _CME.get(number, _SIM_TROUBLE)
    if number in _CMS:
        return _CMS[number]
    return _NETWORK_BUSY if number < 300 else _SIM_TROUBLE
