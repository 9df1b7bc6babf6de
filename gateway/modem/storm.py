"""A storm of news: of each state only the last word counts, so that nothing ever has to queue up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.modem.at import name_of

MANY_LINES = 16
"""More lines than these in one read are a storm."""
_STATES = frozenset(
    {"RING", "+CREG", "+CGREG", "+CEREG", "+CSQ", "+CSQN", "^RSSI", "^MODE", "^SYSINFO", "^HCSQ", "+CRING"}
)
"""News of how things stand: a later one makes an earlier one worthless."""
_QUECTEL_SIGNAL = '+QIND: "csq"'


def without_the_outdated(lines: Sequence[str], asked: Collection[str]) -> Sequence[str]:
    """What came in one read; of a storm, without news that later ones outdate. What was `asked` for stays.

    However much a modem has to say, it is worked off at once: what is not read yet waits in the kernel.
    """
    if len(lines) <= MANY_LINES:
        return lines
    names = [_state_in(line) for line in lines]
    last = {name: place for place, name in enumerate(names)}
    return [
        line
        for place, (name, line) in enumerate(zip(names, lines, strict=True))
        if name is None or name in asked or last[name] == place
    ]


def _state_in(line: str) -> str | None:
    """Of which state the line is news; None: of none."""
    name = line if line == "RING" else name_of(line)
    if name == "+QIND" and line.startswith(_QUECTEL_SIGNAL):
        return _QUECTEL_SIGNAL
    return name if name in _STATES else None
