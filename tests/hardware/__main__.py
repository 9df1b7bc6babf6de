"""`make hardware ARGS="PORT --voice PORT"`: what emulated modems and cards cannot show.

Of a sound card: its parameters, its pace against this machine's clock, and how often it runs dry when it is written
to at the pace at which it is read. Of a serial voice port: the size and pace of its blocks in a call. Then the
acceptance of `simbridge modem check`. Nothing here was ever run on hardware by us; what it finds belongs into
firmware-notes/.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field

from gateway.audio.device_clock import Steadiness
from gateway.audio.frame import SAMPLE_RATE, SILENCE
from gateway.errors import GatewayError
from gateway.modem.check import Wishes, check
from gateway.modem.trial import number_to_try, on_trial
from gateway.modem.voice.alsa_uac import AlsaVoice
from gateway.modem.voice.device import SOUND_CARD
from gateway.settings import ModemSettings

CARD_SECONDS = 20.0
CALL_SECONDS = 15.0


@dataclass
class Listener:
    """Notes when how much came, and writes as much back."""

    voice: AlsaVoice | None = None
    reads: list[tuple[float, int]] = field(default_factory=list)
    refused: int = 0

    def received(self, data: bytes) -> None:
        """See VoiceTaker."""
        self.reads.append((time.monotonic(), len(data)))
        if self.voice is not None:
            frames = len(data) // 320
            self.refused += frames - self.voice.write([SILENCE] * frames)

    def report(self) -> str:
        """Sizes and pace in one line."""
        if len(self.reads) < 10:
            return f"only {len(self.reads)} reads came"
        (first, _), (last, _) = self.reads[0], self.reads[-1]
        count = sum(size for _, size in self.reads[1:]) / 2
        ppm = (count / SAMPLE_RATE / (last - first) - 1) * 1e6
        gaps = sorted(b - a for (a, _), (b, _) in zip(self.reads, self.reads[1:], strict=False))
        sizes = sorted({size for _, size in self.reads})
        return (
            f"{len(self.reads)} reads of {sizes[0]} to {sizes[-1]} bytes, "
            f"gaps {gaps[len(gaps) // 2] * 1000:.1f} ms p50, {gaps[-1] * 1000:.1f} ms most; "
            f"{ppm:+.0f} ppm against this machine's clock"
        )


async def try_card(name: str) -> None:
    """Open it, run both directions, tell."""
    voice = AlsaVoice(name, lambda: print("the card has gone"), Steadiness())
    await voice.open()
    print(f"card: opened at {voice.rate} Hz, mono, 16 bit")
    listener = Listener(voice)
    voice.connect(listener)
    await asyncio.sleep(CARD_SECONDS)
    voice.disconnect(listener)
    print(f"card: {listener.report()}; {voice.xruns} xruns, {listener.refused} frames not taken")
    voice.close()


async def try_voice_port(settings: ModemSettings, number: str) -> None:
    """A call, and what comes from its voice port."""
    async with on_trial(settings) as trial:
        if not await trial.ready(within=90):
            print("voice: the network has not taken the SIM")
            return
        print(f"voice: calling {number}; answer and keep the line open")
        leg = trial.dial(number_to_try(number))
        listener = Listener()
        leg.port.listen(lambda frame, _position: listener.received(frame.tobytes()))
        if await leg.up(within=60):
            await leg.ended(within=CALL_SECONDS)
        print(f"voice: {listener.report()}; counters {leg.port.counters}")
        leg.hangup()


async def run(given: argparse.Namespace) -> bool:
    """Everything in turn."""
    settings = ModemSettings(name="modem", at=given.port, voice=given.voice)
    if given.voice is not None and given.voice.startswith(SOUND_CARD):
        await try_card(given.voice.removeprefix(SOUND_CARD))
    if given.call is not None:
        await try_voice_port(settings, given.call)
    wishes = Wishes(
        call=number_to_try(given.call) if given.call else None,
        incoming=given.incoming,
        sms=number_to_try(given.sms) if given.sms else None,
    )
    return await check(settings, wishes, print)


def main() -> int:
    """0 when all is good."""
    parser = argparse.ArgumentParser(prog="make hardware", description=__doc__)
    parser.add_argument("port")
    parser.add_argument("--voice")
    parser.add_argument("--call", metavar="NUMBER")
    parser.add_argument("--incoming", action="store_true")
    parser.add_argument("--sms", metavar="NUMBER")
    try:
        return 0 if asyncio.run(run(parser.parse_args())) else 1
    except GatewayError as fault:
        print(fault)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
