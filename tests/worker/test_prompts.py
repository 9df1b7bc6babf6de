"""The owner's own prompts: of any file, by text, fit for a telephone, and never too long (A8, D8)."""

from __future__ import annotations

import io
import os
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from gateway.api.problems import WorkerAway
from gateway.api.prompt_keeper import PromptKeeper
from gateway.audio.player import read_wav
from gateway.audio.prompts import prompt_path
from gateway.errors import PromptUnusable
from gateway.telephony.prompts import PromptBook
from gateway.telephony.shop import Shop
from gateway.worker.prompts import OwnPrompts, PromptTooLong
from gateway.worker.sealed import KeyRing
from gateway.worker.server import WorkerServer
from gateway.worker.speech import NoSpeech, Speech
from tests.api.served import serving
from tests.api.shapes import assert_fits
from tests.fakes.archive import FakeArchive


def own_prompts(directory: Path) -> OwnPrompts:
    return OwnPrompts(directory / "prompts", Speech(directory / "said", directory / "voices"))


def a_file(path: Path, seconds: float, *, rate: int = 44_100, channels: int = 2, level: float = 0.3) -> Path:
    """Something like a voice: a tone that swells and fades, beginning and ending in the middle of a swing."""
    time = np.arange(round(rate * seconds)) / rate
    sound = np.sin(2 * np.pi * 500 * time + 1) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time)) * level * 32767
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat(sound.astype("<i2"), channels).tobytes())
    return path


@pytest.mark.parametrize("level", [0.005, 0.02, 0.3, 1.0])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_any_file_leaves_at_one_loudness_at_8_khz_without_clicks(
    tmp_path: Path, level: float, rate: int, channels: int
) -> None:
    prompts = own_prompts(tmp_path)
    facts = prompts.take("en", "greeting", a_file(tmp_path / "a.wav", 2, rate=rate, channels=channels, level=level))
    assert -19 <= facts.loudness_db <= -16
    assert facts.own
    assert facts.seconds == pytest.approx(2, abs=0.15)
    path = prompts.path("en", "greeting")
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
    samples = read_wav(path).astype(int)
    assert max(abs(samples[0]), abs(samples[-1])) < 50
    assert prompts.all("en")[[each.key for each in prompts.all("en")].index("greeting")] == facts


@pytest.mark.parametrize(("seconds", "fits"), [(18.0, True), (18.1, False)])
def test_a_greeting_may_last_eighteen_seconds(tmp_path: Path, seconds: float, fits: bool) -> None:
    prompts, file = own_prompts(tmp_path), a_file(tmp_path / "a.wav", seconds, rate=8_000, channels=1)
    if fits:
        assert prompts.take("ru", "greeting", file).seconds == pytest.approx(18, abs=0.1)
        return
    with pytest.raises(PromptTooLong, match=r"lasts 18\.1 seconds; this prompt may last 18"):
        prompts.take("ru", "greeting", file)
    assert not prompts.all("ru")[0].own
    assert prompts.take("ru", "goodbye", file).own, "others may last a minute"


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    prompts = own_prompts(tmp_path)
    silent = a_file(tmp_path / "silent.wav", 2, level=0.0)
    with pytest.raises(PromptUnusable, match="silent"):
        prompts.take("en", "greeting", silent)
    (tmp_path / "text.wav").write_bytes(b"this is no sound")
    with pytest.raises(PromptUnusable, match="not a WAV"):
        prompts.take("en", "greeting", tmp_path / "text.wav")
    for language, key in (("en", "nonsense"), ("de", "greeting"), ("en", "../../x"), ("en", "")):
        with pytest.raises(PromptUnusable, match="no prompt called"):
            prompts.take(language, key, silent)
        with pytest.raises(PromptUnusable):
            prompts.path(language, key)
    with pytest.raises(PromptUnusable):
        prompts.all("de")
    assert not (tmp_path / "prompts").exists()


def test_the_packaged_prompt_comes_back(tmp_path: Path) -> None:
    prompts = own_prompts(tmp_path)
    before = prompts.all("en")
    prompts.take("en", "busy", a_file(tmp_path / "a.wav", 1))
    assert prompts.path("en", "busy") != prompt_path("en", "busy")
    assert not prompts.forget("en", "busy").own
    assert not prompts.forget("en", "busy").own
    assert prompts.all("en") == before
    assert all(-19 <= each.loudness_db <= -16 for each in before)


def test_a_queue_has_prompts_of_its_own_and_else_those_of_all(tmp_path: Path) -> None:
    prompts, book = own_prompts(tmp_path), PromptBook(lambda: Shop(language="en"), tmp_path / "prompts")

    def seconds(key: str) -> float:
        source, frames = book(key), 0
        while source.next_frame() is not None:
            frames += 1
        return frames / 50

    packaged = seconds("greeting")
    prompts.take("en", "greeting", a_file(tmp_path / "all.wav", 3))
    facts = prompts.take("en", "greeting.sales", a_file(tmp_path / "sales.wav", 5))
    assert (facts.key, facts.own, facts.longest_seconds) == ("greeting.sales", True, 18.0)
    book.read()
    lasts = [seconds(key) for key in ("greeting", "greeting.sales", "greeting.workshop")]
    assert lasts == pytest.approx([3, 5, 3], abs=0.1)
    listed = {each.key: each for each in prompts.all("en", ["sales", "workshop"])}
    own = {key: listed[key].own for key in listed if "." in key}
    assert own == {
        "greeting.sales": True, "all-busy.sales": False, "after-hours.sales": False,
        "greeting.workshop": False, "all-busy.workshop": False, "after-hours.workshop": False,
    }  # fmt: skip
    assert listed["greeting.workshop"].seconds == listed["greeting"].seconds
    prompts.forget("en", "greeting.sales")
    prompts.forget("en", "greeting")
    book.read()
    assert seconds("greeting.sales") == packaged
    for wrong in ("busy.sales", "greeting.", "greeting.SALES", "greeting.../x", "greeting.a.b"):
        with pytest.raises(PromptUnusable):
            prompts.take("en", wrong, a_file(tmp_path / "x.wav", 1))
    with pytest.raises(PromptTooLong):
        prompts.take("en", "greeting.sales", a_file(tmp_path / "long.wav", 18.5))


def test_calls_play_the_new_prompt_once_it_was_read(tmp_path: Path) -> None:
    prompts, book = own_prompts(tmp_path), PromptBook(lambda: Shop(language="ru"), tmp_path / "prompts")

    def length(key: str) -> int:
        source, frames = book(key), 0
        while source.next_frame() is not None:
            frames += 1
        return frames

    before = length("busy")
    prompts.take("ru", "busy", a_file(tmp_path / "a.wav", 7))
    assert length("busy") == before
    book.read()
    assert length("busy") == pytest.approx(350, abs=5)
    (tmp_path / "prompts" / "ru" / "busy.wav").write_bytes(b"damaged")
    book.read()
    assert length("busy") == before, "the packaged one stands in"


def test_a_text_is_said_in_both_languages_and_kept(tmp_path: Path) -> None:
    prompts = own_prompts(tmp_path)
    for language, text in (("ru", "Здравствуйте! Магазин открыт."), ("en", "-v is no option here")):
        facts = prompts.say(language, "greeting", text)
        assert 0.5 < facts.seconds < 10
        assert -19 <= facts.loudness_db <= -16
    kept = {file: file.read_bytes() for file in (tmp_path / "said").glob("*.wav")}
    assert len(kept) == 2
    with programs(tmp_path, {"espeak-ng": "exit 1"}):
        prompts.say("en", "busy", "-v is no option here")  # it was said before
        with pytest.raises(NoSpeech, match="espeak-ng failed"):
            prompts.say("en", "busy", "something new")


@contextmanager
def programs(directory: Path, scripts: dict[str, str]) -> Iterator[None]:
    """Only these programs can be found."""
    bin_dir = directory / "bin"
    bin_dir.mkdir(exist_ok=True)
    for name, script in scripts.items():
        (bin_dir / name).write_text(f"#!/bin/sh\n{script}\n")
        (bin_dir / name).chmod(0o755)
    former = os.environ["PATH"]
    os.environ["PATH"] = str(bin_dir)
    try:
        yield
    finally:
        os.environ["PATH"] = former


def test_the_best_engine_that_is_installed_speaks(tmp_path: Path) -> None:
    speech = Speech(tmp_path / "said", tmp_path / "voices")
    sound = a_file(tmp_path / "voice.wav", 1)
    copy = f'while [ "$1" != {{}} ]; do shift; done; read text; /bin/cat {sound} > "$2"; echo "$text" > {tmp_path}/{{}}'
    scripts = {
        "espeak-ng": copy.format("-w", "espeak"),
        "RHVoice-test": copy.format("-o", "rhvoice"),
        "piper": copy.format("--output_file", "piper"),
    }
    with programs(tmp_path, {}), pytest.raises(NoSpeech, match="Neither piper"):
        speech.say("hello", "en")
    with programs(tmp_path, {"espeak-ng": scripts["espeak-ng"]}):
        speech.say("by the default", "en")
        assert (tmp_path / "espeak").read_text() == "by the default\n"
        speech.say("Открыто до 21:30, доставка от 500 руб.", "ru")
        assert (tmp_path / "espeak").read_text() == (
            "Открыто до двадцати одного часа тридцати минут, доставка от пятисот рублей.\n"
        )
    with programs(tmp_path, scripts):
        speech.say("with its own voices", "ru")
        assert (tmp_path / "rhvoice").read_text() == "with its own voices\n"
        (tmp_path / "voices").mkdir()
        (tmp_path / "voices" / "ru.onnx").write_bytes(b"a voice")
        speech.say("with the owner's voice", "ru")
        assert (tmp_path / "piper").read_text() == "with the owner's voice\n"
    with (
        programs(tmp_path, {"espeak-ng": "exit 0", "RHVoice-test": "exit 0"}),
        pytest.raises(NoSpeech, match="has written nothing"),
    ):
        speech.say("silence", "en")


@pytest.mark.real_time
async def test_prompts_are_listed_heard_and_changed_over_the_api(tmp_path: Path) -> None:
    socket = tmp_path / "worker.sock"
    worker = WorkerServer(
        socket=socket,
        archive=FakeArchive(),
        recordings_dir=tmp_path,
        keys=KeyRing(tmp_path),
        prompts=own_prompts(tmp_path),
    )
    async with worker, serving(socket) as served:
        await served.set_up()
        status, answer = await served.ask("GET", "/api/v1/prompts/ru")
        assert status == 200
        for each in answer["items"]:
            assert_fits(each, "Prompt")
        one = "/api/v1/prompts/ru/greeting"
        wav = {"Content-Type": "audio/wav"}
        # Three megabytes: more than other requests may have.
        large = a_file(tmp_path / "a.wav", 17, rate=44_100).read_bytes()
        status, answer = await served.ask("PUT", one, headers=wav, data=io.BytesIO(large))
        assert (status, answer["own"], served.recorded.prompts_read) == (200, True, 1)
        too_long = a_file(tmp_path / "b.wav", 18.1, rate=8_000, channels=1).read_bytes()
        status, answer = await served.ask("PUT", one, headers={**wav, "Accept-Language": "ru"}, data=too_long)
        assert (status, answer["code"], answer["title"]) == (422, "prompt-too-long", "Фраза слишком длинная.")
        status, answer = await served.ask("POST", one + "/say", json={"text": "Добрый день"})
        assert (status, answer["own"], served.recorded.prompts_read) == (200, True, 2)
        headers = {"Authorization": f"Bearer {served.token}"}
        async with served.client.get(served.url(one), headers=headers) as sound:
            assert (sound.status, sound.content_type) == (200, "audio/wav")
            assert (await sound.read()).startswith(b"RIFF")
        status, answer = await served.ask("DELETE", one)
        assert (status, answer["own"], served.recorded.prompts_read) == (200, False, 3)
        assert (await served.ask("PUT", "/api/v1/prompts/ru/nonsense", headers=wav, data=too_long))[0] == 422
        assert (await served.ask("POST", one + "/say", json={"text": ""}))[0] == 400
        assert served.recorded.prompts_read == 3


@pytest.mark.real_time
async def test_what_was_dictated_becomes_a_prompt(tmp_path: Path) -> None:
    read: list[bool] = []

    async def changed() -> None:
        read.append(True)

    socket, prompts = tmp_path / "worker.sock", own_prompts(tmp_path)
    keeper = PromptKeeper(socket, lambda: Shop(language="ru"), changed)
    with pytest.raises(WorkerAway):
        await keeper.keep("greeting", b"\1" * 16_000)
    worker = WorkerServer(
        socket=socket, archive=FakeArchive(), recordings_dir=tmp_path, keys=KeyRing(tmp_path), prompts=prompts
    )
    async with worker:
        await keeper.keep("greeting", read_wav(a_file(tmp_path / "a.wav", 3)).tobytes())
        assert read == [True]
        assert prompts.path("ru", "greeting").is_relative_to(tmp_path)
        with pytest.raises(PromptUnusable, match="silent"):
            await keeper.keep("greeting", bytes(16_000))
        assert read == [True]
