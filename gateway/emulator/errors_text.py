"""The words of +CME ERROR with CMEE=2 (27.007 clause 9.2), as far as the emulator uses them."""

from __future__ import annotations

_TEXTS = {
    3: "operation not allowed", 4: "operation not supported", 10: "SIM not inserted", 11: "SIM PIN required",
    12: "SIM PUK required", 13: "SIM failure", 14: "SIM busy", 16: "incorrect password", 21: "invalid index",
    22: "not found", 30: "no network service", 50: "incorrect parameters", 100: "unknown",
}  # fmt: skip


def cme_text(number: int) -> str:
    """The words; the number where there are none."""
    return _TEXTS.get(number, str(number))
