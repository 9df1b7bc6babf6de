"""Grandstream: `cfg<mac>.xml` with P values (GXP21xx configuration template 1.0.11; XML phone book guide, 2023)."""

from __future__ import annotations

from xml.sax.saxutils import escape

from gateway.provisioning.account import Account
from gateway.telephony.shop import Srtp

_SRTP = {Srtp.OFF: 0, Srtp.PREFERRED: 1, Srtp.REQUIRED: 2}
_BY_HTTP, _BY_HTTPS = 1, 3


def config(account: Account) -> str:
    """The file of one phone: its first account, and the phone book. Lamps are set at the phone: their keys differ."""
    scheme, _, place = account.book.partition("://")
    values = {
        "P271": 1,  # account active
        "P270": account.label,
        "P47": f"{account.host}:{account.port}",
        "P35": account.extension,
        "P36": account.extension,
        "P34": account.password,
        "P3": account.name or account.extension,
        "P130": 0,  # UDP
        "P32": 10,  # minutes between registrations
        "P850": 101,  # telephone-event
        "P183": _SRTP[account.srtp],
        "P1362": account.language,
        "P330": _BY_HTTPS if scheme == "https" else _BY_HTTP,
        "P331": place.rstrip("/"),
        "P332": 60,  # minutes between downloads of the phone book
    }
    rows = "\n".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<gs_provision version="1">\n<config version="1">\n'
        f"{rows}\n</config>\n</gs_provision>\n"
    )
