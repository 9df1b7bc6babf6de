"""What of a call is kept: first its parties are told, then their sound, through hold, transfer and company."""

from __future__ import annotations

from gateway.audio.bridge import Bridge
from gateway.telephony.exchange import CallRecording, Exchange
from gateway.telephony.leg import Leg
from gateway.telephony.recording_policy import Notice, RecordCalls, RecordingPolicy
from gateway.telephony.watched import WatchedSource


class CallRecorder:
    """One call's recording, which begins when two people hear each other and goes on whoever they are."""

    def __init__(self, call_id: str, exchange: Exchange) -> None:
        self._call_id = call_id
        self._exchange = exchange
        self._recording: CallRecording | None = None
        self._told: set[Leg] = set()
        self._reminds = 0
        """Seconds between the beeps of a recorded call; 0: there are none."""

    async def give_notice(self, caller: Leg, callee: Leg, *, courier: str | None) -> bool:
        """Tell both that the call is recorded, as the owner chose; True when it is to be recorded at all.

        Nobody hears it twice, and after a transfer a phone of ours does not hear it: the customer waits for it.
        """
        policy = self._policy_between(caller, callee)
        self._reminds = policy.beep_seconds if policy.notice is Notice.BEEP else 0
        if policy.calls is RecordCalls.NONE or (policy.calls is RecordCalls.COURIERS and courier is None):
            return False
        match policy.notice:
            case Notice.NONE:
                return True
            case Notice.ANNOUNCE:
                key = "recording-notice"
            case Notice.BEEP:
                key = "recording-beep"
        is_first = self._recording is None
        listeners = [leg for leg in (callee, caller) if leg not in self._told and (is_first or leg.line)]
        self._told.update(listeners)
        playing = [(leg, WatchedSource(self._exchange.prompts(key))) for leg in listeners]
        for leg, source in playing:
            leg.port.play(source)
        for leg, source in reversed(playing):
            await source.done(unless_ended=leg)
        return True

    def was_told(self, leg: Leg, other: CallRecorder) -> bool:
        """Whether a leg that comes from the call of `other` knows that it is recorded: by a notice, or as our phone."""
        self._told |= other._told
        return leg.line is None or leg in self._told or self._exchange.shop().recording.notice is Notice.NONE

    def follow(self, bridge: Bridge) -> None:
        """Record this bridge: into the recording that runs, or a new one."""
        if self._recording is None:
            self._recording = self._exchange.recordings.begin(call_id=self._call_id, bridge=bridge)
        else:
            self._recording.follow(bridge)
        if self._reminds:
            bridge.remind(self._reminds)

    def pause(self) -> None:
        """Keep silence meanwhile."""
        if self._recording is not None:
            self._recording.pause()

    def resume(self) -> None:
        """Keep what is said."""
        if self._recording is not None:
            self._recording.resume()

    def pause_for_card(self, *, paused: bool | None = None) -> bool:
        """Keep silence because somebody asked for it, or no more; None turns it round. False: nothing is recorded."""
        recording = self._recording
        if recording is None:
            return False
        if not recording.is_paused_for_card if paused is None else paused:
            recording.pause_for_card()
        else:
            recording.resume_after_card()
        return True

    def stop(self) -> None:
        """Keep nothing more."""
        if self._recording is not None:
            self._recording.stop()
            self._recording = None

    def _policy_between(self, caller: Leg, callee: Leg) -> RecordingPolicy:
        """What the owner wants of a call that takes the ways of these two."""
        ways = frozenset(leg.line for leg in (caller, callee) if leg.line is not None)
        direction = "internal" if not ways else "incoming" if caller.line is not None else "outgoing"
        return self._exchange.shop().recording.of_route(ways, direction)
