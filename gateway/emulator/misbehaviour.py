"""What can go wrong with a modem, by name, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Options: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """One fault. Every option has a default, whose type its values must have."""

    name: str
    meaning: str
    options: Options = field(default_factory=dict)


MISBEHAVIOURS: dict[str, Misbehaviour] = {
    each.name: each
    for each in (
        Misbehaviour(
            "silent_after",
            "After `commands` more commands it answers nothing and says nothing. It comes back when the host "
            "reopens the port (`until` = reopened), resets it (reset), or when told to behave (cleared).",
            {"commands": 0, "until": "cleared"},
        ),
        Misbehaviour(
            "late_ok",
            "The answer to commands that start with `command` comes `seconds` late, after the answers to later "
            "ones; with `error_first` an ERROR comes in time. The first `times` such commands only.",
            {"seconds": 6.0, "command": "AT", "error_first": False, "times": 1},
        ),
        Misbehaviour("urc_inside_answer", "Unsolicited lines before the answer, and before its OK."),
        Misbehaviour(
            "ok_glued_to_urc", "An unsolicited line follows each OK in the same breath, without an empty line."
        ),
        Misbehaviour("half_lines", "All it says comes in pieces of 1 to 7 bytes, `gap_ms` apart.", {"gap_ms": 2.0}),
        Misbehaviour("odd_byte", "One byte of the voice port is lost: all that follows is half a sample off."),
        Misbehaviour("short_voice_reads", "Each voice block reaches the host in four pieces of odd sizes."),
        Misbehaviour("echo_stays_on", "ATE0 is answered OK and changes nothing."),
        Misbehaviour(
            "drops_port_during_call",
            "The modem is unplugged `after_seconds` of the next call's reaching `state` (dialling, ringing or "
            "active), and comes back `back_after_seconds` later (0: never).",
            {"state": "active", "after_seconds": 1.0, "back_after_seconds": 3.0},
        ),
        Misbehaviour(
            "voice_port_stalls",
            "Nothing passes the voice port; for `seconds` from now (0: until told to behave).",
            {"seconds": 0.0},
        ),
        Misbehaviour("reboots_on_ussd", "AT+CUSD is answered OK, then it restarts."),
        Misbehaviour("garbage", "Lines of noise, NUL and bytes above 127, `every_ms`.", {"every_ms": 50.0}),
        Misbehaviour(
            "urc_storm",
            "`per_second` unsolicited lines a second; for `seconds` from now (0: until told to behave).",
            {"per_second": 1000, "seconds": 0.0},
        ),
        Misbehaviour("prompt_without_crlf", "The prompt for a message is `> ` alone."),
        Misbehaviour(
            "slow_messages",
            "The network has a message at once, but the modem says +CMGS only `seconds` later, or never when it is "
            "unplugged meanwhile.",
            {"seconds": 5.0},
        ),
        Misbehaviour("clcc_empty_while_live", "AT+CLCC lists no call while one is up."),
        Misbehaviour("no_voice", "^CVOICE? says 1, +QPCMV, +CPCMREG and ^DDSETEX are errors: no sound at all."),
        Misbehaviour(
            "voice_refused_first",
            "The first `times` requests for the sound of each call are errors (SIM7600 after many calls).",
            {"times": 1},
        ),
        Misbehaviour(
            "voice_degrades",
            "The sound is granted at once in the first call after a start; in later calls the first request is an "
            "error, and nothing is heard either way. Only AT+CRESET mends it (SIM7600).",
        ),
        Misbehaviour(
            "refuses",
            "Commands that start with `command` are answered `with_line`.",
            {"command": "AT+CNUM", "with_line": "ERROR"},
        ),
        Misbehaviour("silent_end", "Nothing is said when a call ends: neither the family's sign nor a result."),
        Misbehaviour("no_key_news", "Keys of the other party are heard, and never told."),
        Misbehaviour(
            "stale_voice", "At the end of each call `ms` of loud old sound are left in the voice port.", {"ms": 300}
        ),
    )
}


def options_of(name: str, given: Options) -> dict[str, object]:
    """The options of a misbehaviour, defaults filled in; ValueError for a name or option that there is not."""
    known = MISBEHAVIOURS.get(name)
    if known is None:
        raise ValueError(f"There is no misbehaviour {name!r}; there are: {', '.join(MISBEHAVIOURS)}.")
    out = dict(known.options)
    for option, value in given.items():
        if option not in known.options:
            raise ValueError(f"{name} has no option {option!r}; it has: {', '.join(known.options) or 'none'}.")
        default = known.options[option]
        if isinstance(default, float) and isinstance(value, int):
            value = float(value)  # noqa: PLW2901  # 1 is as good as 1.0 in JSON
        if type(value) is not type(default):
            raise ValueError(f"Option {option!r} of {name} is like {default!r}, not {value!r}.")
        out[option] = value
    return out


class Faults:
    """Which misbehaviours are on, and what is left of those that count."""

    def __init__(self) -> None:
        self._on: dict[str, dict[str, object]] = {}

    def begin(self, name: str, options: Options) -> Options:
        """Switch one on; gives its options, defaults filled in. ValueError for a name or option that there is not."""
        self._on[name] = options_of(name, options)
        return self._on[name]

    def end(self, name: str | None = None) -> None:
        """Switch one off, or all."""
        for each in [name] if name is not None else list(self._on):
            self._on.pop(each, None)

    def all(self) -> Mapping[str, Options]:
        """Those that are on, with their options."""
        return dict(self._on)

    def options(self, name: str) -> Options | None:
        """The options of one that is on."""
        return self._on.get(name)

    def spend(self, name: str, option: str) -> int:
        """What was left of an option that counts, which is one less from now on, and never below 0."""
        left = int(str(self._on[name][option]))
        self._on[name][option] = max(0, left - 1)
        return left
