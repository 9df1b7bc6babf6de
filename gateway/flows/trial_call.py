"""A test call: whoever answers hears the gateway, speaks, and hears what the gateway has heard."""

from __future__ import annotations

from gateway.telephony.call import Call
from gateway.telephony.causes import Cause
from gateway.telephony.destinations import TrialCall
from gateway.telephony.flow import call_flow
from gateway.telephony.mailboxes import clip_of
from gateway.telephony.prompts import BEEP
from gateway.telephony.trial_call import TrialStage, TrialVerdict, overheard

RING_SECONDS = 40.0
LISTEN_SECONDS = 4.0
KEY_SECONDS = 6.0
YES = "1"


@call_flow(TrialCall)
async def trial_call(call: Call, settings: TrialCall) -> None:
    """A voice goes both ways only when the person says so: what leaves here may still be lost on its way."""
    trial = settings.trial
    if not await call.caller.up(within=RING_SECONDS):
        call.caller.hangup(Cause.NO_ANSWER)
        return
    trial.stage = TrialStage.SPEAKING
    await call.say("trial-hello")
    await call.say(BEEP)
    trial.stage = TrialStage.LISTENING
    said = await overheard(call.caller, seconds=LISTEN_SECONDS, watch=trial.hears)
    if trial.judge(said):
        trial.stage = TrialStage.REPLAYING
        await call.say("trial-you-said")
        await call.play(clip_of(said.astype("<i2").tobytes()))
        trial.stage = TrialStage.ASKING
        if await call.ask("trial-press-1", most=1, within=KEY_SECONDS) == YES:
            trial.verdict = TrialVerdict.BOTH_WAYS
    else:
        await call.say("trial-silent")
    await call.say("goodbye")
