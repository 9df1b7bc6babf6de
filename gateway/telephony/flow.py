"""The registry of call flows: which function serves which destination."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_args

from gateway.telephony.destinations import Destination

if TYPE_CHECKING:
    from gateway.telephony.call import Call

Flow: TypeAlias = Callable[["Call", Any], Awaitable[None]]
"""`async def flow(call, settings)`; settings is the destination it is registered for."""

DestinationType = TypeVar("DestinationType", bound=Destination)

_FLOWS: dict[type[object], tuple[str, Flow]] = {}


def call_flow(
    destination: type[DestinationType],
) -> Callable[[Callable[[Call, DestinationType], Awaitable[None]]], Callable[[Call, DestinationType], Awaitable[None]]]:
    """Register a flow for a destination; its name in records is the function's, with hyphens."""

    def register(
        flow: Callable[[Call, DestinationType], Awaitable[None]],
    ) -> Callable[[Call, DestinationType], Awaitable[None]]:
        if destination in _FLOWS:
            raise ValueError(f"two flows for {destination.__name__}: {_FLOWS[destination][0]} and {flow.__name__}")
        _FLOWS[destination] = (flow.__name__.replace("_", "-"), flow)
        return flow

    return register


def find_flows(package: ModuleType) -> None:
    """Import every module of `package`, so that its flows register themselves.

    LookupError when some destination is served by none.
    """
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    missing = [each.__name__ for each in get_args(Destination) if each not in _FLOWS]
    if missing:
        raise LookupError(f"no flow in {package.__name__} serves {', '.join(missing)}")


def flow_for(destination: Destination) -> tuple[str, Flow]:
    """The name and the function that serve a destination; `find_flows` made sure that there is one."""
    return _FLOWS[type(destination)]
