"""The families that we know; the first that fits speaks."""

from __future__ import annotations

from gateway.modem.dialect import ModemDialect
from gateway.modem.dialects.generic import Generic
from gateway.modem.dialects.huawei import Huawei
from gateway.modem.dialects.quectel import Quectel
from gateway.modem.dialects.simcom import Simcom

DIALECTS: tuple[type[ModemDialect], ...] = (Huawei, Quectel, Simcom, Generic)


def choose_dialect(wanted: str, *, manufacturer: str, model: str) -> ModemDialect:
    """The dialect of that name, or with "auto" the one that fits what the modem says of itself."""
    for dialect in DIALECTS:
        if wanted == dialect.family or (wanted == "auto" and dialect.fits(manufacturer, model)):
            return dialect()
    return Generic()
