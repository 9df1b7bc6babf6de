"""What a registrar's answer to a REGISTER means (RFC 3261 section 10.2.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sip.digest import DigestClient
from gateway.sip.message import Response
from gateway.sip.transport import Address, Flow, is_numeric
from gateway.sip.uri import SipUri
from gateway.telephony.line import TrunkState

STALE_SECONDS = 60.0
"""After a nonce that was too old twice in a row."""
LONGEST_RETRY_AFTER_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one attempt came to. `reason` is a code for people, `wait_seconds` what the other side asks for."""

    state: TrunkState
    reason: str | None = None
    wait_seconds: float = 0.0
    """READY: the granted time. Else: Retry-After, 0 when there was none."""


@dataclass(slots=True)
class Answers:
    """The credentials of one attempt, by the field that carries them, and what was answered already."""

    client: DigestClient
    fields: dict[str, str] = field(default_factory=dict)
    answered: set[tuple[str, str]] = field(default_factory=set)
    answered_stale: set[tuple[str, str]] = field(default_factory=set)

    def take(self, response: Response, uri: str) -> bool:
        """Answer a challenge; False when ours was answered before, or none can be: the password is wrong.

        A registrar and a proxy before it may both challenge, each in its own field. A stale nonce is
        answered once more (RFC 7616 section 3.3).
        """
        made = self.client.answer(response, "REGISTER", uri)
        if made is None:
            return False
        name, value = made
        challenges = [challenge for answer, challenge in response.challenges() if answer == name]
        key = (name, challenges[0].get("realm") or "")
        is_stale = any((challenge.get("stale") or "").lower() == "true" for challenge in challenges)
        if key in self.answered and (not is_stale or key in self.answered_stale):
            return False
        if key in self.answered:
            self.answered_stale.add(key)
        self.answered.add(key)
        self.fields[name] = value
        return True

    def forget(self) -> None:
        """A challenge after a repeated request says nothing of the password.

        A registrar without a memory of its transactions takes the repetition for a second use of the nonce
        (Kamailio with `nonce_count`), and does not always call that stale.
        """
        self.answered.clear()
        self.answered_stale.clear()


def seen_as(response: Response, flow: Flow) -> Address | None:
    """Our address as the Via of an answer shows it; None when that is what we think ourselves."""
    via = response.via
    host = (via.parameter("received") or via.host).strip("[]")  # RFC 5118 section 4.5
    port = number_of(via.parameter("rport"))
    if not is_numeric(host) or not 0 < port < 65536:
        return None
    seen = Address(host, port)
    return None if seen == flow.local else seen


def granted_seconds(response: Response, contact: SipUri, asked: int) -> int:
    """How long a 200 to a REGISTER lets us stay (RFC 3261 section 10.2.4).

    Our own Contact's `expires` counts; a registrar that shows us by another address (NAT) names one only.
    """
    contacts = response.contacts
    own = [
        each
        for each in contacts
        if isinstance(each.uri, SipUri)
        and (each.uri.user, each.uri.host, each.uri.port or 5060) == (contact.user, contact.host, contact.port or 5060)
    ]
    for each in own or (contacts if len(contacts) == 1 else []):
        expires = each.parameter("expires")
        if expires is not None and expires.isascii() and expires.isdigit():
            return number_of(expires)
    header = response.headers.get("Expires")
    return number_of(header) if header is not None else asked


def refused(response: Response, reason: str) -> Outcome:
    """The registrar does not want this account."""
    return Outcome(state=TrunkState.REFUSED, reason=reason, wait_seconds=_retry_after(response))


def failed(response: Response, least_seconds: float = 0.0) -> Outcome:
    """The registrar cannot do it now; it is asked again after what it wants, and after `least_seconds`."""
    seconds = max(least_seconds, _retry_after(response))
    return Outcome(state=TrunkState.FAILED, reason=f"status-{response.status}", wait_seconds=seconds)


def unanswered(response: Response) -> Outcome:
    """A challenge that came once more. Stale: the password was right, the nonce too old or used already.

    That happens when an answer was lost, and our repetition meets a registrar that has forgotten it.
    """
    stale = any((challenge.get("stale") or "").lower() == "true" for _, challenge in response.challenges())
    return failed(response, STALE_SECONDS) if stale else refused(response, "wrong-password")


def _retry_after(response: Response) -> float:
    """Seconds; comments and parameters are dropped (RFC 3261 section 20.33)."""
    text = (response.headers.get("Retry-After") or "").partition("(")[0].partition(";")[0].strip()
    return min(float(number_of(text)), LONGEST_RETRY_AFTER_SECONDS)


def number_of(text: str | None) -> int:
    """A whole number, of seconds or of a port; 0 for what is none."""
    if text is None or not (text.isascii() and text.isdigit()):
        return 0
    return min(int(text[:12]), 2**31 - 1)
