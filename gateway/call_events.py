"""What happens to calls, their legs and their recordings."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A caller's leg has reached the exchange. `flow` names the function that serves the call."""

    call_id: str
    direction: str
    """"incoming" (from outside, by a SIM or trunk), "outgoing" (to outside) or "internal"."""
    caller: str
    caller_name: str = ""
    called: str
    line: str | None
    flow: str
    courier: str | None = None
    """The courier's extension, when the call is to or from one."""
    order: str | None = None
    """The number of the order that led there."""
    visit_id: str | None = None
    """The visit of the shop's web site that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRouted(Event):
    """What was learned of a running call: who was recognised, whom it leads to, which flow goes on with it."""

    call_id: str
    called: str
    flow: str
    direction: str | None = None
    courier: str | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(Event):
    """A caller waits in a queue from now on; an empty name is the shop's own. Told by shops with several only."""

    call_id: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStepped(Event):
    """A caller for whom nobody has answered yet hears something else from now on.

    `step` is the name of a telephony.reception.Phase: greeting, music or offer; before the first there is ringing.
    """

    call_id: str
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallShown(Event):
    """What number a party outside sees who is being called, by which way; None: withheld, or not known to us."""

    call_id: str
    leg_id: str
    way: str
    number: str | None
    withheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(Event):
    """Two parties hear each other for the first time in this call."""

    call_id: str
    answered_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(Event):
    """A phone of ours has connected the other party with somebody else, and is out of the call."""

    call_id: str
    by: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackPromised(Event):
    """A caller is to be called back. `due_at` is when at the earliest, in UTC (ISO 8601)."""

    call_id: str
    promise_id: str
    number: str
    due_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLeft(Event):
    """A caller has left a message: the recording of the call. `mailbox` is a phone's extension; empty: the shop's."""

    call_id: str
    mailbox: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackChanged(Event):
    """A promise to call back is in another state (telephony.promised.PromiseState).

    `attempts` counts calls to the customer, `cause` says what the last one came to, where there is something to say.
    """

    promise_id: str
    number: str
    state: str
    attempts: int
    due_at: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """The call's record. `talk_seconds` counts from CallAnswered; `cause` says why it ended."""

    call_id: str
    cause: str
    ended_by: str
    """"caller", "callee" or "gateway"."""
    talk_seconds: float
    total_seconds: float
    verdict: str | None = None
    """One of audio.level.Verdict; None: nobody talked."""
    caller_mos: float | None = None
    """How the caller has heard the callee, 1 to 5, as the E-model estimates it (audio.e_model)."""
    callee_mos: float | None = None


@dataclass(frozen=True, slots=True)
class TracedLine:
    """What a wire of a call said: `kind` is "sip", "at" or "audio", `way` "in", "out" or empty."""

    seconds: float
    """Since the call began."""
    kind: str
    way: str
    who: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTraced(Event):
    """What the wires of a call that is over have said, with nothing secret in it."""

    call_id: str
    lines: tuple[TracedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegStarted(Event):
    """A leg belongs to a call now."""

    call_id: str
    leg_id: str
    kind: str
    direction: str
    peer: str
    line: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRang(Event):
    """The other end of an outgoing leg rings."""

    call_id: str
    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered(Event):
    """A leg is up."""

    call_id: str
    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHeld(Event):
    """A party has put the other one on hold."""

    call_id: str
    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResumed(Event):
    """The party that held is back."""

    call_id: str
    leg_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSound:
    """How the sound of one leg was, from its beginning to its end."""

    codec: str | None
    """Of the party's wire: "gsm", or the name of a SIP codec."""
    level_dbfs: float | None
    """Mean level of what was heard from the party; None: nothing was, or its packets were handed on unopened."""
    voice_seconds: float | None
    silence_seconds: float | None
    """How long something was heard from it, and how long not; None where nobody has listened."""
    jitter_ms: float
    """Of what came from it (RFC 3550)."""
    gaps: int
    """How often something of it was missing."""
    concealed_ms: int
    """How much was made up for it."""
    late: int
    """Frames for it that came too late."""
    delay_ms: float
    """What was kept before it heard it."""
    peer_lost: int
    """Packets that it missed, as it says itself."""
    round_trip_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(Event):
    """A leg is over, with what was counted on it (20 ms frames)."""

    call_id: str
    leg_id: str
    cause: str
    ended_by_peer: bool
    frames_in: int
    frames_out: int
    lost: int
    concealed: int
    sound: LegSound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(Event):
    """From here on the call is kept; the notice has ended. `path` is relative to the recordings directory."""

    call_id: str
    recording_id: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPaused(Event):
    """From here on, `seconds` after its beginning, the file has silence, because somebody asked for it.

    `why` is "card": card data, or whatever else nobody may keep.
    """

    call_id: str
    recording_id: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingResumed(Event):
    """That is over: what is said is kept again."""

    call_id: str
    recording_id: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFinished(Event):
    """The file is whole. `verdict` is one of audio.level.Verdict, or "recovered" after a crash."""

    call_id: str
    recording_id: str
    path: str
    seconds: float
    size_bytes: int
    verdict: str
