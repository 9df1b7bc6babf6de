"""`simbridge demo` and `simbridge demo --once`."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from gateway.command_words import said
from gateway.demo.checks import run_checks
from gateway.demo.processes import DemoFailed, Processes
from gateway.demo.site import COURIER, PIN, SIM_NUMBERS, Site, prepare
from gateway.demo.stories import STORIES, stage
from gateway.emulator.media_clock import take_real_time_priority

DEFAULT_DIRECTORY = Path("demo-data")
TERMINATED = 128 + signal.SIGTERM
_END_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""A window that is closed sends the second one."""


def run_demo(directory: Path | None, *, lan: bool) -> int:
    """Everything at once until Ctrl-C; the exit status."""
    return asyncio.run(_demo(directory or DEFAULT_DIRECTORY, lan=lan))


def run_once(directory: Path | None, *, patience: float) -> int:
    """The demo's calls without a person, in an empty directory; 0 only when every check holds.

    A temporary directory is used when none is named, and kept when something fails. `patience` is how many seconds
    each process may take to start: an emulated processor needs minutes.
    """
    where = directory or Path(tempfile.mkdtemp(prefix="simbridge-demo-"))
    site = prepare(where, usual_ports=False)
    if not site.is_new:
        raise DemoFailed(f"{where} holds a demo already; `demo --once` wants an empty directory.", path=str(where))
    status = asyncio.run(_once(site, patience))
    if directory is None and status == 0:
        shutil.rmtree(where)
    return status


async def _once(site: Site, patience: float) -> int:
    take_real_time_priority(1)  # this process is the phone 101
    try:
        async with asyncio.timeout(None) as told_to_stop:
            # They end the processes in order, as Ctrl-C does; none is left behind.
            def stop() -> None:
                if not told_to_stop.expired():
                    told_to_stop.reschedule(0)

            for number in _END_SIGNALS:
                asyncio.get_running_loop().add_signal_handler(number, stop)
            async with Processes(site, panel=False, say=_say, start_seconds=patience):
                failed = await run_checks(site, say=_say)
    except TimeoutError:
        if told_to_stop.expired():
            return TERMINATED
        raise
    if failed:
        _say(f"{failed} of the checks failed. The logs are in {site.directory / 'logs'}.")
        return 1
    _say("Every check holds.")
    return 0


async def _demo(directory: Path, *, lan: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, *_END_SIGNALS):
        loop.add_signal_handler(number, stop.set)
    site = await asyncio.to_thread(prepare, directory, lan=lan)
    async with Processes(site, panel=True, say=_say) as processes:
        _greet(site)
        stopped = asyncio.create_task(stop.wait())
        ended = asyncio.create_task(processes.one_ended())
        playing = asyncio.create_task(_play_on_order(site))
        try:
            await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                name = ended.result()
                raise DemoFailed(f"The {name} has ended; {processes.log_of(name)} says why.", process=name)
        finally:
            for task in (stopped, ended, playing):
                task.cancel()
            await asyncio.gather(stopped, ended, playing, return_exceptions=True)
            _say("Stopping ...")
    return 0


def _greet(site: Site) -> None:
    code_file = site.data / "setup-code"
    code = code_file.read_text(encoding="utf-8").strip() if code_file.exists() else None
    first = (
        f"Setup code:    {code}   (asked once, for the owner's account)"
        if code
        else "Sign in with the account that you have made."
    )
    _say(
        f"""
simbridge demo is running on emulated modems: no call leaves this machine.

Panel:         {site.panel_url}
{first}
SIP phone 101: user 101, password {site.phone_password}, server {site.host}:{site.ports.sip} (UDP)

Try this:
  - Open the panel, then type a letter here and press Enter:"""
    )
    for key, story in STORIES.items():
        _say(f"      {key}  {story.title}")
    _say(
        f"""  - Or speak yourself: switch on the phone at the top of the panel as 101 (or a SIP phone of your own:
    Linphone, MicroSIP, baresip) and call 2001: the courier's mobile {COURIER} rings, answers and
    speaks. Any number of the emulated network can be called too.
  - The courier's PIN is {PIN}; the SIMs are {", ".join(SIM_NUMBERS.values())}.

Files and logs: {site.directory}/    Ctrl-C ends everything."""
    )


async def _play_on_order(site: Site) -> None:
    """Read letters from the terminal and play the story that belongs to each."""
    if not sys.stdin.isatty():
        return
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            story = STORIES.get(line.decode(errors="replace").strip().lower())
            if story is None:
                continue
            _say(f"Playing: {story.title} ...")
            try:
                async with stage(site, _notice_over) as playing:
                    await story.play(playing)
            except (TimeoutError, RuntimeError, OSError) as fault:
                _say(f"It did not work out: {fault or type(fault).__name__}")
            else:
                _say("Done. The panel shows it.")
    finally:
        transport.close()


async def _notice_over() -> None:
    """As long as the packaged notice takes, and a breath."""
    await asyncio.sleep(3.0)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody is left to read it: the window was closed
        print(said(text), flush=True)
