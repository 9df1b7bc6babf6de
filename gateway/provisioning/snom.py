"""Snom: `<mac>.xml` with settings and function keys (Snom service hub, "Desk phone configuration files", 2023)."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from gateway.provisioning.account import Account
from gateway.telephony.shop import Srtp

MOST_LAMPS = 20
_SAVP = {Srtp.OFF: "off", Srtp.PREFERRED: "optional", Srtp.REQUIRED: "mandatory"}


def config(account: Account) -> str:
    """The file of one phone: its first identity, a lamp for everybody else, and the phone book on its key."""
    values = {
        "user_active": "on",
        "user_name": account.extension,
        "user_pname": account.extension,
        "user_realname": account.name or account.extension,
        "user_pass": account.password,
        "user_host": f"{account.host}:{account.port}",
        "user_expiry": "600",
        "user_srtp": "off" if account.srtp is Srtp.OFF else "on",
        "user_savp": _SAVP[account.srtp],
    }
    rows = [f'<{name} idx="1" perm="">{escape(value)}</{name}>' for name, value in values.items()]
    rows.append(f'<dkey_directory perm="">{escape(f"url {account.book}snom-book.xml")}</dkey_directory>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<settings>\n<phone-settings e="2">\n'
        + "\n".join(rows)
        + '\n</phone-settings>\n<functionKeys e="2">\n'
        + "\n".join(_keys(account))
        + "\n</functionKeys>\n</settings>\n"
    )


def _keys(account: Account) -> list[str]:
    keys = ['<fkey idx="0" context="1" label="" perm="">line</fkey>']
    for number, person in enumerate(account.people[:MOST_LAMPS], start=1):
        code = f"|{account.pick_up_code}" if account.pick_up_code and person.can_be_picked_up else ""
        lamp = escape(f"blf <sip:{person.extension}@{account.host}>{code}")
        label = quoteattr(person.name or person.extension)
        keys.append(f'<fkey idx="{number}" context="1" label={label} perm="">{lamp}</fkey>')
    return keys
