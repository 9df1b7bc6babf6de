"""Several tasks fall together when a modem goes: which fault to name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from gateway.errors import AtTimeout, GatewayError, ModemLost


def raise_the_reason(group: BaseExceptionGroup[BaseException]) -> NoReturn:
    """Raise the one fault that says why, a loss before a time-out; a group that holds a bug is raised whole."""
    faults = list(_leaves(group))
    if not all(isinstance(fault, GatewayError) for fault in faults):
        raise group
    for kind in (ModemLost, AtTimeout):
        for fault in faults:
            if isinstance(fault, kind):
                raise fault from None
    raise faults[0] from None


def _leaves(fault: BaseException) -> Iterable[BaseException]:
    if isinstance(fault, BaseExceptionGroup):
        for each in fault.exceptions:
            yield from _leaves(each)
    else:
        yield fault
