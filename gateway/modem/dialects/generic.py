"""Any modem that follows 3GPP TS 27.007. Its calls are followed by asking +CLCC."""

from __future__ import annotations

from gateway.modem.dialect import ModemDialect


class Generic(ModemDialect):
    """What the standards say, and nothing else."""

    family = "generic"
