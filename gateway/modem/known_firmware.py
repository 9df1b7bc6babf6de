"""Firmware versions of which users have told something; with its source, firmware-notes/ tells more.

None was seen on hardware by us. A version that is not listed is neither good nor bad.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FirmwareNote:
    """What is told of the firmwares whose version begins so."""

    begins: str
    is_good: bool
    note: str


FIRMWARES: tuple[FirmwareNote, ...] = (
    FirmwareNote("LE20B05SIM7600G22", True, "a vendor says that both directions of the sound work"),
    FirmwareNote("LE20B06SIM7600G22", False, "a user hears nothing at the mobile; the cause is not settled"),
    FirmwareNote("EC20CEFAGR06A06", False, "cannot be a sound card; its serial voice port may work"),
    FirmwareNote("EC20CEFAGR06A08", False, "cannot be a sound card; its serial voice port may work"),
    FirmwareNote("EC20CEFAGR06A15", True, "can be a sound card"),
    FirmwareNote("A7670E-LNXY-UBL", False, "has neither voice nor SMS"),
    FirmwareNote("SIM7670G", False, "has neither voice nor SMS"),
    FirmwareNote("A011B01A7670", False, "VoLTE calls end at once; B07 is told to mend it"),
)


def firmware_note(version: str) -> FirmwareNote | None:
    """What is told of that version; None: nothing."""
    return next((each for each in FIRMWARES if version.startswith(each.begins)), None)
