"""The engine alone: what the media of recorded calls costs without SIP, modems' dialogues and the store.

The same blocks and packets as for the floor pass through real voice ports, RTP ports, bridges, recorders and
the search for keys. `python -m tests.bench.engine COUNT SECONDS` prints per cent of one core per call; behind it may
stand `unrecorded`, and the name of the phones' codec.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway.audio.bridge import Bridge
from gateway.audio.codec import Codec
from gateway.audio.device_clock import Steadiness
from gateway.audio.dtmf import DtmfDetector
from gateway.audio.frame import Frame
from gateway.audio.recorder import Recorder
from gateway.audio.recording_writer import RecordingWriter
from gateway.media_loop import MediaLoop
from gateway.modem.voice.tty_pcm import TtyPcmPort, VoiceTty
from gateway.priority import take_real_time_priority
from gateway.sip.pacer import Pacer
from gateway.sip.port_range import PortRange
from gateway.sip.rtp_port import RtpPort
from gateway.sip.sdp import Agreement, Way
from gateway.sip.transport import Address
from tests.bench.cost import usage
from tests.bench.floor import SETTLE_SECONDS, source

_PORTS = PortRange(26_000, 27_999)


@dataclass(frozen=True, slots=True)
class _Call:
    modem: TtyPcmPort
    phone: RtpPort
    recorder: Recorder


async def engine(count: int, seconds: float, *, recorded: bool = True, codec: Codec = Codec.PCMU) -> float:
    """Per cent of one core per call, for `count` at once."""
    with (
        tempfile.TemporaryDirectory(prefix="simbridge-engine-") as directory,
        RecordingWriter(lambda trouble: None) as writer,
    ):
        async with source(count, seconds + 2 * SETTLE_SECONDS, codec) as far:
            pacer, steadiness = Pacer(), Steadiness()
            calls = [
                await _call(name, pacer, steadiness, writer, Path(directory) / f"{index}.wav", recorded=recorded)
                for index, name in enumerate(far.voice_ports)
            ]
            far.send_to([call.phone.local.port for call in calls])
            address = await far.address()
            for call in calls:
                call.phone.agree(_agreement(address, codec), Address(*address))
            take_real_time_priority()
            await asyncio.sleep(SETTLE_SECONDS)
            before = usage(os.getpid())
            await asyncio.sleep(seconds)
            after = usage(os.getpid())
            _check(calls, seconds)
            for call in calls:
                call.recorder.close(asyncio.get_running_loop().time())
                call.modem.close()
                call.phone.close()
    return 100 * (after.ran_seconds - before.ran_seconds) / (after.at - before.at) / count


async def _call(
    name: str, pacer: Pacer, steadiness: Steadiness, writer: RecordingWriter, path: Path, *, recorded: bool
) -> _Call:
    device = VoiceTty(name, lambda: None, steadiness)
    await device.open()
    modem = TtyPcmPort(device, block_frames=1)
    modem.open()
    detector = DtmfDetector()

    def listen(frame: Frame, position: int) -> None:
        del position
        detector.feed(frame)

    modem.listen(listen)
    phone = RtpPort(pacer, _PORTS)
    phone.open("127.0.0.1")
    loop = asyncio.get_running_loop()
    bridge = Bridge(modem, phone, loop.time)
    bridge.start()
    recorder = Recorder(path, writer, loop.time())
    if recorded:
        bridge.tap(recorder)
    return _Call(modem, phone, recorder)


def _agreement(address: tuple[str, int], codec: Codec) -> Agreement:
    host, port = address
    return Agreement(host=host, port=port, codec=codec, payload=codec.facts.payload, event_payload=101, way=Way.BOTH)


def _check(calls: list[_Call], seconds: float) -> None:
    """What did not pass costs nothing: then the figure would be worth nothing."""
    for call in calls:
        if min(call.modem.counters.frames_out, call.phone.counters.frames_out) < 45 * seconds:
            raise SystemExit(f"Frames are missing: {call.modem.counters}, {call.phone.counters}.")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=MediaLoop) as runner:
        named = next((each for each in Codec if each in sys.argv[3:]), Codec.PCMU)
        is_recorded = "unrecorded" not in sys.argv[3:]
        print(runner.run(engine(int(sys.argv[1]), float(sys.argv[2]), recorded=is_recorded, codec=named)))
