"""The families that we know; the first that fits speaks."""

from __future__ import annotations

from gateway.modem.dialect import ModemDialect
from gateway.modem.dialects.generic import Generic
from gateway.modem.dialects.huawei import Huawei
from gateway.modem.dialects.quectel import Quectel
from gateway.modem.dialects.simcom import Simcom
from gateway.modem.dialects.simcom_analog import SimcomAnalog

DIALECTS: tuple[type[ModemDialect], ...] = (Huawei, Quectel, SimcomAnalog, Simcom, Generic)
"""In the order of asking: the particular before the general."""


def choose_dialect(wanted: str, *, manufacturer: str, model: str) -> ModemDialect:
    """The dialect that fits what the modem says of itself; `wanted`, unless "auto", names the family.

    Of several in one family the model decides, and a model that nobody knows gets the family's last.
    """
    family = [dialect for dialect in DIALECTS if wanted in ("auto", dialect.family)]
    return next((dialect for dialect in family if dialect.fits(manufacturer, model)), family[-1])()
