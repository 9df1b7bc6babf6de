"""Who may speak within a dialog: who is in it, not everybody who has seen its names (docs/decisions/in-dialog.md)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from gateway.sip.dialog import Dialog
from gateway.sip.transport import Flow
from gateway.sip.uri import SipUri


class Standing(StrEnum):
    """What is to be done with a request that carries the right names."""

    HEARD = "heard"
    ASKED = "asked"
    """It may be a phone that has moved: it has to prove whose it is."""
    IGNORED = "ignored"
    """As if there were no such dialog."""


class Speakers:
    """Judges by the address that a request comes from."""

    def __init__(self, is_bound: Callable[[str, str], bool], is_provider: Callable[[str], bool]) -> None:
        """`is_bound`: a phone of that extension is registered from that host. `is_provider`: one has that host."""
        self._is_bound = is_bound
        self._is_provider = is_provider

    def standing(self, dialog: Dialog, owner: str | None, flow: Flow) -> Standing:
        """`owner` is the extension whose phone is in the dialog; None: a provider."""
        host = flow.remote.host
        if host == dialog.flow.remote.host:
            return Standing.HEARD  # whatever its port: a NAT may have changed it
        if owner is not None:
            return Standing.HEARD if self._is_bound(owner, host) else Standing.ASKED
        return Standing.HEARD if self._is_provider(host) or host in _hosts_of(dialog) else Standing.IGNORED

    def may_cancel(self, invited_from: Flow, flow: Flow) -> bool:
        """A CANCEL comes from where its INVITE came from (RFC 3261 section 22.1): it cannot be challenged."""
        hosts = invited_from.remote.host, flow.remote.host
        return hosts[0] == hosts[1] or all(self._is_provider(host) for host in hosts)


def _hosts_of(dialog: Dialog) -> set[str]:
    """Those that the provider itself has named: its proxies, and where it is reached."""
    uris = [route.uri for route in dialog.routes] + [dialog.target]
    return {uri.host for uri in uris if isinstance(uri, SipUri)} if dialog.follows_contact else set()
