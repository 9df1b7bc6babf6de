"""Every story of every transcript, whole, byte by byte and by threes, against the real session, channel and dialect."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.transcript import TRANSCRIPTS, stories_of
from tests.modem.replay import AT_ANY_TIME, play_story

STORIES = [
    pytest.param(path.name, name, id=f"{path.stem}: {name}")
    for path in sorted(TRANSCRIPTS.glob("*.at"))
    for name in stories_of(path)
    if name != AT_ANY_TIME
]
REQUIRED = (
    "init", "incoming, answered, hung up by the caller", "incoming, answered, hung up by us", "incoming, missed",
    "outgoing, answered, hung up by the far end", "outgoing, answered, hung up by us", "outgoing, busy",
    "outgoing, no answer", "outgoing, rejected", "sms", "sms, sent", "ussd",
)  # fmt: skip


@pytest.mark.parametrize("path", sorted(TRANSCRIPTS.glob("*.at")), ids=lambda path: path.stem)
def test_every_family_has_every_story(path: Path) -> None:
    names = list(stories_of(path))
    assert [each for each in REQUIRED if not any(name.startswith(each) for name in names)] == []


@pytest.mark.parametrize("chunk", [1, 3, 10_000])
@pytest.mark.parametrize(("file", "name"), STORIES)
async def test_story(file: str, name: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await play_story(TRANSCRIPTS / file, name, chunk, monkeypatch)
