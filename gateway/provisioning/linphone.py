"""Linphone: an XML form of its settings, whose URL the QR code holds (liblinphone, "Remote provisioning")."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from gateway.provisioning.account import Account
from gateway.telephony.shop import Srtp


def config(account: Account) -> str:
    """The settings of one account, which become the app's only one."""
    server = f"{account.host}:{account.port}"
    name = "".join(character for character in account.name if character not in '"\\')
    identity = (
        f'"{name}" <sip:{account.extension}@{account.host}>' if name else f"sip:{account.extension}@{account.host}"
    )
    sections = {
        "sip": {
            "default_proxy": "0",
            "media_encryption": "none" if account.srtp is Srtp.OFF else "srtp",
            "media_encryption_mandatory": "1" if account.srtp is Srtp.REQUIRED else "0",
        },
        "auth_info_0": {
            "username": account.extension,
            "userid": account.extension,
            "passwd": account.password,
            "domain": account.host,
        },
        "proxy_0": {
            "reg_proxy": f"<sip:{server};transport=udp>",
            "reg_identity": identity,
            "reg_expires": "600",
            "reg_sendregister": "1",
            "publish": "0",
        },
    }
    rows = []
    for section, entries in sections.items():
        rows.append(f"<section name={quoteattr(section)}>")
        for key, value in entries.items():
            rows.append(f'<entry name={quoteattr(key)} overwrite="true">{escape(value)}</entry>')
        rows.append("</section>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<config xmlns="http://www.linphone.org/xsds/lpconfig.xsd">\n'
        + "\n".join(rows)
        + "\n</config>\n"
    )
