"""The table [outside] of gateway.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.toml_document import TomlDocument

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}|[0-9a-fA-F:.]{2,45}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideSettings:
    """What may be reached by addresses that are set in the panel: the internet, and these hosts (T-W5)."""

    private: tuple[str, ...] = ()
    """Names or addresses of hosts in a private network, or of this machine, as they stand in such addresses."""


def check_outside(document: TomlDocument) -> None:
    """What the types cannot say."""
    for place, outside in document.found(OutsideSettings):
        for host in outside.private:
            if not _HOST.fullmatch(host):
                document.problem(
                    (*place, "private"), f'"private" of [outside] holds hosts like "crm.lan", not "{host}".'
                )
