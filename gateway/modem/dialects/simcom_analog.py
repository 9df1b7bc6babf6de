"""SIMCom A7670, A7672, SIM800 and SIM900: their sound is analog, on wires to a USB sound card.

Source: firmware-notes/simcom-a7670.md.
"""

from __future__ import annotations

from gateway.modem.dialect import VoicePlan, optional
from gateway.modem.dialects.simcom import FROM_MOBILE, TO_MOBILE, Simcom

_MODELS = ("A76", "SIM800", "SIM868", "SIM900", "SIMCOM_SIM800", "SIMCOM_A76", "SIMCOM_SIM900")


class SimcomAnalog(Simcom):
    """Speaks as its bigger sisters do; its voice passes no port, so that no command switches it."""

    # +MSTK comes with every menu of the SIM's own applications until it is told not to.
    init = (*Simcom.init, *optional("AT+MSTK=0,0"))
    serial_voice = None
    card_voice = VoicePlan(from_mobile=FROM_MOBILE, to_mobile=TO_MOBILE)
    voice_restart = ()

    @classmethod
    def fits(cls, manufacturer: str, model: str) -> bool:
        """By the model: A7670E gives no useful `+CGMI`."""
        del manufacturer
        return model.upper().startswith(_MODELS)
