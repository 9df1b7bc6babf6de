"""`python -m gateway.emulator --directory DIR --modems huawei,quectel,simcom`: the emulator as its own process."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

from gateway.emulator import sound
from gateway.emulator.control import ControlServer
from gateway.emulator.control_network import NetworkVerbs
from gateway.emulator.control_phones import PhoneVerbs
from gateway.emulator.demo_people import add_demo_people
from gateway.emulator.emulator import Emulator, ModemOrder
from gateway.emulator.media_clock import take_real_time_priority

CONTROL_SOCKET = "control.sock"


async def serve(
    directory: Path, families: list[str], *, keeps_logs: bool, has_people: bool, is_leashed: bool = False
) -> None:
    """Run until SIGINT or SIGTERM; says "ready" on standard output once everything is there.

    `is_leashed`: the end of standard input ends it too, so that it does not outlive whoever has started it.
    """
    take_real_time_priority(1)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if is_leashed:
        loop.add_reader(sys.stdin.fileno(), _look_at_leash, stop)
    async with Emulator(directory, keeps_logs=keeps_logs) as emulator:
        for family in families:
            emulator.add_modem(ModemOrder(family=family))
        if has_people:
            add_demo_people(emulator.network)
        numbers = itertools.count(1)

        def store_wav(name: str, data: bytes) -> str:
            path = directory / "sound" / f"{next(numbers):05d}-{name}.wav"
            sound.save_wav(path, data)
            return str(path)

        phones = PhoneVerbs(emulator, store_wav)
        verbs = {**NetworkVerbs(emulator, store_wav).verbs(), **phones.verbs()}
        server = ControlServer(directory / CONTROL_SOCKET, verbs)
        running = asyncio.create_task(server.run())
        try:
            await server.ready.wait()
            print("ready", flush=True)
            await stop.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await phones.close()


def _look_at_leash(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m gateway.emulator", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where ports, logs and the control socket go")
    parser.add_argument("--modems", default="", help="families, separated by commas; named m0, m1, ...")
    parser.add_argument("--log", action="store_true", help="write every byte of the AT ports to NAME-at.log")
    parser.add_argument("--people", action="store_true", help="add the subscribers of the demonstration")
    parser.add_argument("--leash", action="store_true", help="end when standard input ends")
    given = parser.parse_args()
    families = [family for family in given.modems.split(",") if family]
    asyncio.run(serve(given.directory, families, keeps_logs=given.log, has_people=given.people, is_leashed=given.leash))


if __name__ == "__main__":
    main()
