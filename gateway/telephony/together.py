"""How many customers can talk to couriers at the same time: one SIM carries one call (B1).

A customer who calls a SIM and is joined with a courier's mobile takes two lines, one for each; one who calls the
provider's number takes one. Which lines may carry a courier's calls is the owner's choice, so the couriers' half is
a matching of couriers and lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.telephony.shop import CourierSettings, TrunkSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """`by_sim`: customers who call a SIM; `by_provider`: customers who call a provider's number. Not both at once."""

    by_sim: int
    by_provider: int


def together(lines: Sequence[str], couriers: Iterable[CourierSettings], trunks: Iterable[TrunkSettings]) -> Together:
    """With those lines and providers in service, and those couriers; who is off shift takes no call."""
    reachable = _most_pairs([_allowed(courier, lines) for courier in couriers if courier.on_shift])
    providers = tuple(trunks)
    unlimited = any(trunk.calls_at_once is None for trunk in providers)
    room = reachable if unlimited else sum(trunk.calls_at_once or 0 for trunk in providers)
    # Each courier's line is one of a matching; any of the others can carry a customer.
    return Together(by_sim=min(reachable, len(set(lines)) // 2), by_provider=min(reachable, room))


def _allowed(courier: CourierSettings, lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for line in dict.fromkeys(lines) if not courier.lines or line in courier.lines)


def _most_pairs(choices: Sequence[Sequence[str]]) -> int:
    """How many of those who choose can have a line of their own (augmenting paths)."""
    taken: dict[str, int] = {}

    def find(chooser: int, seen: set[str]) -> bool:
        for line in choices[chooser]:
            if line not in seen:
                seen.add(line)
                if line not in taken or find(taken[line], seen):
                    taken[line] = chooser
                    return True
        return False

    return sum(find(chooser, set()) for chooser in range(len(choices)))
