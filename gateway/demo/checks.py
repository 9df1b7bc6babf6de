"""`demo --once`: plays the stories and judges each, by what was heard, what was recorded and what the log says."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gateway.command_words import said, titled
from gateway.demo.judge import Samples, judge
from gateway.demo.shop_api import ShopApi
from gateway.demo.site import COURIER, STRANGER, Site
from gateway.demo.stories import CYRILLIC, STORIES, Stage, Talk, stage
from gateway.demo.witness import Witness

SETTLE_SECONDS = 10.0
MOST_TURNS = 5
STALL_SECONDS = 0.008
"""What a machine may stand still while a story is judged by what was heard."""
LENGTH_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    holds: bool
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the call log must say of a story's call."""

    caller: str
    called: str
    courier: str | None
    answered_by: str
    ended_by: str


EXPECTED = {
    "a": Expected(caller="101", called="2001", courier="2001", answered_by=COURIER, ended_by="callee"),
    "b": Expected(caller=COURIER, called="101", courier="2001", answered_by="101", ended_by="callee"),
    "c": Expected(caller=STRANGER, called="blue", courier=None, answered_by="101", ended_by="caller"),
}


async def run_checks(site: Site, *, say: Callable[[str], None]) -> int:
    """Play every story, print a line per check; how many failed."""
    failed = 0
    async with ShopApi(site) as api:

        async def talk_begins() -> None:
            """The log of live calls says that the recording runs: the notice is over."""
            await api.until(
                "/snapshot", lambda snapshot: any(call["recording"] for call in snapshot["calls"]), within=20
            )

        async with stage(site, talk_begins) as playing:
            for key, story in STORIES.items():
                say(f"({key}) {said(story.title)}")
                checks = await _played(key, playing, api, site, say)
                for check in checks:
                    point = f"{said(f'{check.name}:')} {said(check.measured)}"
                    say(f"  {'ok  ' if check.holds else 'FAIL'}  {point}")
                    failed += not check.holds
    return failed


async def _played(key: str, playing: Stage, api: ShopApi, site: Site, say: Callable[[str], None]) -> list[Check]:
    """Play and judge a story; once more, a few times at most, when the machine itself stood still meanwhile."""
    for turn in range(1, MOST_TURNS + 1):
        with Witness() as witness:
            try:
                checks = await _judged(key, playing, api, site.directory)
            except (TimeoutError, RuntimeError, OSError) as fault:
                checks = [Check("the story can be played", False, str(fault) or "nothing happened in time")]
                await asyncio.sleep(SETTLE_SECONDS)
        if all(check.holds for check in checks) or witness.longest_stall < STALL_SECONDS or turn == MOST_TURNS:
            break
        say(f"  ...   this machine stood still for {witness.longest_stall * 1000:.0f} ms meanwhile; once more")
        await asyncio.to_thread(Witness.wait_for_calm, STALL_SECONDS)
    return checks


async def _judged(key: str, playing: Stage, api: ShopApi, directory: Path) -> list[Check]:
    known = {row["id"] for row in (await api.get("/calls"))["items"]}
    talk = await STORIES[key].play(playing)
    if talk is None:
        return [await _message_check(playing, api)]
    checks = [
        await _heard("the callee hears the caller", talk.caller_said, talk.callee_heard),
        await _heard("the caller hears the callee", talk.callee_said, talk.caller_heard),
    ]
    rows = await _new_rows(api, known)
    checks.append(_log_check(rows, EXPECTED[key], talk))
    if rows and rows[0]["recordings"]:
        checks += await _recording_checks(api, rows[0], talk, directory / f"recording-{key}.wav")
    else:
        checks.append(Check("the call is recorded", False, "there is no recording"))
    return checks


async def _heard(name: str, said: Samples, heard: Samples) -> Check:
    verdict = await asyncio.to_thread(judge, said, heard)
    return Check(name, verdict.good, str(verdict))


async def _new_rows(api: ShopApi, known: set[str]) -> list[dict[str, Any]]:
    """The rows of the log since then, once the call has ended and its recording is whole."""

    def has_ended(row: dict[str, Any]) -> bool:
        return row["ended_at"] is not None and all(each["seconds"] is not None for each in row["recordings"])

    def is_whole(page: Any) -> bool:
        rows = [row for row in page["items"] if row["id"] not in known]
        return bool(rows) and all(has_ended(row) for row in rows)

    page = await api.until("/calls", is_whole, within=SETTLE_SECONDS)
    return [row for row in page["items"] if row["id"] not in known]


def _log_check(rows: list[dict[str, Any]], expected: Expected, talk: Talk) -> Check:
    if len(rows) != 1:
        return Check("the call log has one row", False, f"there are {len(rows)} of them")
    row = rows[0]
    wrong = [
        f"the log has {row[name]} as {name}, not {wanted}"
        for name, wanted in (
            ("caller", expected.caller),
            ("called", expected.called),
            ("courier", expected.courier),
            ("answered_by", expected.answered_by),
            ("ended_by", expected.ended_by),
            ("cause", "hung-up"),
        )
        if row[name] != wanted
    ]
    if abs(row["talk_seconds"] - talk.seconds) > LENGTH_TOLERANCE_SECONDS:
        wrong.append(f"the log has {row['talk_seconds']} s of talk, not about {talk.seconds:.1f}")
    if not row["started_at"] < (row["answered_at"] or "") < row["ended_at"]:
        wrong.append(f"the times are {row['started_at']}, {row['answered_at']}, {row['ended_at']}")
    ended = "ended by the caller" if row["ended_by"] == "caller" else "ended by the callee"
    cause, seconds = titled("causes", row["cause"]), row["talk_seconds"]
    told = f"{row['caller']} to {row['called']}, {ended}: {cause}; {seconds:.1f} s of talk"
    return Check(
        "the call log has one row with parties, cause and times", not wrong, "; ".join(map(said, wrong)) or told
    )


async def _recording_checks(api: ShopApi, row: dict[str, Any], talk: Talk, file: Path) -> list[Check]:
    await api.save(f"/recordings/{row['recordings'][0]['id']}", file)
    caller, callee, seconds = await asyncio.to_thread(_channels, file)
    return [
        await _heard("the recording's left channel is the caller", talk.caller_said, caller),
        await _heard("the recording's right channel is the callee", talk.callee_said, callee),
        Check(
            "the recording is as long as the talk",
            abs(seconds - talk.seconds) <= LENGTH_TOLERANCE_SECONDS,
            f"{seconds:.2f} s recorded of {talk.seconds:.2f} s",
        ),
    ]


def _channels(file: Path) -> tuple[Samples, Samples, float]:
    with wave.open(str(file), "rb") as recording:
        frames = recording.readframes(recording.getnframes())
        stereo = np.frombuffer(frames, dtype="<i2").astype(np.int16).reshape(-1, 2)
        return stereo[:, 0].copy(), stereo[:, 1].copy(), recording.getnframes() / recording.getframerate()


async def _message_check(playing: Stage, api: ShopApi) -> Check:
    """The text is kept whole, and the SIM is empty again."""
    page = await api.until("/messages", _has_text, within=SETTLE_SECONDS)
    message = next(each for each in page["items"] if each["text"] is not None)
    modem = await playing.emulator.modem("m0")
    deleted = 0
    async with asyncio.timeout(SETTLE_SECONDS):
        while deleted < message["parts"]:
            commands = await modem.commands()
            deleted = sum(line.startswith("AT+CMGD=") for _moment, line in commands)
            await asyncio.sleep(0.1)
    holds = message["text"] == CYRILLIC and message["peer"] == STRANGER and message["parts"] == 3
    told = f"{message['parts']} parts from {message['peer']}, {len(message['text'])} characters, deleted from the SIM"
    return Check("the SMS is kept whole", holds, told)


def _has_text(page: Any) -> bool:
    """A message is whole: a part alone is listed without text."""
    return any(each["text"] is not None for each in page["items"])
