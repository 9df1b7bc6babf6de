"""Power cuts: what a disk may hold when the power goes, rebuilt from the log of what was written (X-P2).

What was written since the last sync of its file may be there, or not, or in part: nothing of it, all of it, or any
of it, torn at sectors of 512 bytes and in any order. A name is sure only after a sync of its directory. On each such
disk the gateway's own repair at the start must find every promise kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import sqlite3
import struct
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gateway.audio.wav import repair
from gateway.settings import Settings
from gateway.store.store import open_store
from gateway.telephony.shop import LineSettings, PhoneSettings, Shop

SECTOR_BYTES = 512
MOST_LOST_SECONDS = 1.0
"""Of a recording, beside the time between two syncs."""
WAYS = ("nothing", "everything", "some")
"""What is left of what was not synced."""
_NUMBERS = struct.Struct("<qqq")


class PromiseBroken(Exception):
    """A power cut at that moment loses what was promised."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A record of disk_log.c."""

    what: str
    offset: int
    path: str
    content: bytes


@dataclass(slots=True)
class _File:
    """What is sure of a file, and what is not yet."""

    sure: bytearray = field(default_factory=bytearray)
    waiting: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Naming:
    """A change of names: what `path` leads to from then on. None: nothing."""

    path: str
    file: _File | None
    former: str | None = None


class Disk:
    """Files and names as a disk has them after some operations; `below` is the directory that counts."""

    def __init__(self, below: Path, before: Path) -> None:
        self._below = str(below)
        self._names: dict[str, _File] = {}
        for file in before.rglob("*"):
            if file.is_file():
                path = str(below / file.relative_to(before))
                self._names[path] = _File(bytearray(file.read_bytes()))
        self._sure_names = dict(self._names)
        self._sure_directories = {str(below)}
        self._sure_directories |= {str(below / each.relative_to(before)) for each in before.rglob("*") if each.is_dir()}
        self._waiting_names: list[_Naming] = []
        self._waiting_directories: list[str] = []

    def apply(self, operation: Operation) -> None:
        """The next thing that the program did."""
        path = operation.path
        match operation.what:
            case "C":
                if path not in self._names:
                    self._names[path] = _File()
                    self._waiting_names.append(_Naming(path, self._names[path]))
                elif operation.offset:
                    self._names[path].waiting.append(Operation("T", 0, path, b""))
            case "W" | "T":
                if path in self._names:
                    self._names[path].waiting.append(operation)
            case "M":
                self._waiting_directories.append(path)
            case "S" if path in self._names:
                file = self._names[path]
                for each in file.waiting:
                    _perform(file.sure, each)
                file.waiting.clear()
            case "S":
                self._sync_directory(path)
            case "R":
                to = operation.content.decode()
                if path in self._names:
                    self._names[to] = self._names.pop(path)
                    self._waiting_names.append(_Naming(to, self._names[to], former=path))
            case "U":
                if self._names.pop(path, None) is not None:
                    self._waiting_names.append(_Naming(path, None))

    def rebuild(self, into: Path, way: str, choice: random.Random) -> None:
        """Write into an empty directory what is left after the cut."""
        names, directories = dict(self._sure_names), set(self._sure_directories)
        chance = {"nothing": 0.0, "everything": 1.0}.get(way, 0.5)
        directories |= {each for each in self._waiting_directories if choice.random() < chance}
        naming = {"nothing": 0, "everything": len(self._waiting_names)}
        for each in self._waiting_names[: naming.get(way, choice.randint(0, len(self._waiting_names)))]:
            _rename(names, each)
        for path, file in names.items():
            parent = str(PurePosixPath(path).parent)
            if path.endswith("-shm") or parent not in directories:
                continue  # the index of the log is made anew; a file in a directory without a name is gone
            content = bytearray(file.sure)
            for operation in file.waiting:
                for part in _survivors(operation, way, choice):
                    _perform(content, part)
            target = into / PurePosixPath(path).relative_to(self._below)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _sync_directory(self, path: str) -> None:
        left: list[_Naming] = []
        for each in self._waiting_names:
            if str(PurePosixPath(each.path).parent) == path:
                _rename(self._sure_names, each)
            else:
                left.append(each)
        self._waiting_names = left
        for directory in tuple(self._waiting_directories):
            if str(PurePosixPath(directory).parent) == path:
                self._sure_directories.add(directory)
                self._waiting_directories.remove(directory)


def read_log(path: Path) -> list[Operation]:
    """Every whole record."""
    content, place, found = path.read_bytes(), 0, []
    while place + 25 <= len(content):
        what = chr(content[place])
        offset, first, second = _NUMBERS.unpack_from(content, place + 1)
        place += 25
        name = content[place : place + first].decode()
        found.append(Operation(what, offset, name, content[place + first : place + first + second]))
        place += first + second
    return found


@dataclass(frozen=True, slots=True)
class Story:
    """A run of the load: the disk before it, and everything it did."""

    below: Path
    before: Path
    operations: list[Operation]
    sync_seconds: float
    """The longest time between two syncs of one recording."""

    @property
    def marks(self) -> str:
        """The path of the file of marks."""
        return str(self.below / "marks")

    def moments(self) -> range:
        """After how many operations the power may go: any, once the gateway has begun."""
        began = next(
            index for index, each in enumerate(self.operations) if each.path == self.marks and each.what == "W"
        )
        return range(began + 1, len(self.operations) + 1)


def play(directory: Path, seconds: float) -> Story:
    """Let the load work on a disk that is written down. Raises CalledProcessError."""
    library = directory / "disk_log.so"
    source = Path(__file__).with_name("disk_log.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"], check=True)
    below, before, log = directory / "disk", directory / "before", directory / "log"
    asyncio.run(_prepare(below / "data"))
    shutil.copytree(below, before)
    watched = {"LD_PRELOAD": str(library), "DISK_LOG": str(log), "DISK_LOG_BELOW": str(below)}
    subprocess.run(
        [sys.executable, "-m", "tests.crash.power_load", below, str(seconds)],
        env={**os.environ, **watched},
        check=True,
    )
    operations = read_log(log)
    return Story(below, before, operations, _longest_between_syncs(operations))


def cut(story: Story, at: int, way: str, seed: int, directory: Path) -> None:
    """Let the power go after `at` operations, start the gateway on what is left, and look. Raises PromiseBroken."""
    disk = Disk(story.below, story.before)
    promises: list[dict[str, object]] = []
    for operation in story.operations[:at]:
        if operation.path == story.marks:
            promises += [json.loads(operation.content)] if operation.what == "W" else []
        else:
            disk.apply(operation)
    directory.mkdir()
    disk.rebuild(directory, way, random.Random(seed))
    data = directory / "data"
    try:
        asyncio.run(_start(data))
        _judge(data, promises, story.sync_seconds)
    except Exception as fault:
        raise PromiseBroken(f"cut after {at} operations, {way} of the rest left, seed {seed}: {fault!r}") from fault
    shutil.rmtree(directory)


async def _prepare(data: Path) -> None:
    shop = Shop(
        lines=(LineSettings(name="red", modem="m0", minutes_per_day=1440),),
        phones=(PhoneSettings(extension="101", password="a-long-password", minutes_per_day=1440),),
    )
    async with open_store(Settings(data_dir=data)) as store:
        await store.save_shop(shop, by="test")
    (data / "recordings").mkdir()


async def _start(data: Path) -> None:
    """As the daemon does, before it serves anybody."""
    async with open_store(Settings(data_dir=data)):
        repair(data / "recordings")


def _judge(data: Path, promises: list[dict[str, object]], sync_seconds: float) -> None:
    with closing(sqlite3.connect(data / "simbridge.db")) as connection:
        ((whole,),) = connection.execute("PRAGMA integrity_check").fetchall()
        _hold(whole == "ok", f"the database is damaged: {whole}")
        paid = {row[0] for row in connection.execute("SELECT call_id FROM reservations")}
        settled = {row[0] for row in connection.execute("SELECT call_id FROM reservations WHERE settled_at NOT NULL")}
        texts = [row[0] for row in connection.execute("SELECT text FROM messages")]
    heard: dict[str, float] = {}
    finished: dict[str, str] = {}
    for promise in promises:
        match promise:
            case {"reservation": call_id}:
                _hold(call_id in paid, f"the money of {call_id} is forgotten")
            case {"settled": call_id}:
                _hold(call_id in settled, f"the settling of {call_id} is forgotten")
            case {"message": text}:
                _hold(texts.count(str(text)) == 1, f"the SMS {text} is there {texts.count(str(text))} times")
            case {"heard": path, "seconds": float(seconds)}:
                heard[str(path)] = seconds
            case {"finished": path, "sha256": digest}:
                finished[str(path)] = str(digest)
    recordings = data / "recordings"
    _hold(not list(recordings.rglob("*.part")), "a recording was not mended")
    for file in recordings.rglob("*.wav"):
        _hold(_seconds(file) >= 0, f"{file.name} is no WAV")
    for path, digest in finished.items():
        file = recordings / path
        _hold(file.exists(), f"the finished recording {path} is gone")
        _hold(hashlib.sha256(file.read_bytes()).hexdigest() == digest, f"the finished recording {path} was changed")
    for path, seconds in heard.items():
        file = recordings / path
        lost = seconds - (_seconds(file) if file.exists() else 0.0)
        _hold(lost <= MOST_LOST_SECONDS + sync_seconds, f"{lost:.2f} s of the recording {path} are lost")


def _longest_between_syncs(operations: list[Operation]) -> float:
    """By the clock of the load: the seconds that were heard between two syncs of a recording."""
    longest = 1.0
    heard: dict[str, float] = {}
    last: dict[str, float] = {}
    for operation in operations:
        if operation.what == "W" and operation.path.endswith("/marks"):
            mark = json.loads(operation.content)
            if "heard" in mark:
                heard[mark["heard"]] = mark["seconds"]
        elif operation.what == "S" and operation.path.endswith(".part"):
            path = "/".join(PurePosixPath(operation.path).parts[-2:]).removesuffix(".part")
            longest = max(longest, heard.get(path, 0.0) - last.get(path, 0.0))
            last[path] = heard.get(path, 0.0)
    return longest


def _survivors(operation: Operation, way: str, choice: random.Random) -> Iterator[Operation]:
    """What the disk has of something that was not synced."""
    match way:
        case "everything":
            yield operation
        case "some" if operation.what == "T":
            if choice.random() < 0.5:
                yield operation
        case "some" if choice.random() < 0.7:
            for first in range(0, len(operation.content), SECTOR_BYTES):
                if choice.random() < 0.8:
                    part = operation.content[first : first + SECTOR_BYTES]
                    yield Operation("W", operation.offset + first, operation.path, part)


def _perform(content: bytearray, operation: Operation) -> None:
    if operation.what == "T":
        del content[operation.offset :]
        content.extend(bytes(operation.offset - len(content)))
        return
    end = operation.offset + len(operation.content)
    content.extend(bytes(max(0, end - len(content))))
    content[operation.offset : end] = operation.content


def _rename(names: dict[str, _File], naming: _Naming) -> None:
    if naming.former is not None:
        names.pop(naming.former, None)
    if naming.file is None:
        names.pop(naming.path, None)
    else:
        names[naming.path] = naming.file


def _hold(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PromiseBroken(otherwise)


def _seconds(file: Path) -> float:
    with wave.open(str(file)) as sound:
        seconds: float = sound.getnframes() / sound.getframerate()
        return seconds


def cuts(story: Story, count: int, seed: int, directory: Path, tell: Callable[[int], None]) -> list[str]:
    """So many power cuts at random moments, each way in turn; what was broken."""
    choice, broken = random.Random(seed), []
    for number in range(count):
        try:
            cut(story, choice.choice(story.moments()), WAYS[number % 3], seed + number, directory / f"cut-{number}")
        except PromiseBroken as fault:
            broken.append(str(fault))
        tell(number + 1)
    return broken
