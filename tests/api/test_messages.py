"""The catalogue: complete in both languages for every code there is."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest

import gateway
from gateway.api.contract import contract
from gateway.errors import GatewayError
from gateway.messages import LANGUAGES, error_detail, error_title, language_of, pick_language, retold, words
from gateway.telephony.causes import Cause
from gateway.telephony.line import LineState


def _codes(root: type[GatewayError]) -> set[str]:
    return {root.code}.union(*(_codes(child) for child in root.__subclasses__()))


def _import_everything() -> None:
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith(("__main__", ".migrations.env")):  # programs, run only by their own starters
            importlib.import_module(module.name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentence(language: str) -> None:
    _import_everything()
    known = words(language)
    assert _codes(GatewayError) <= known["errors"].keys()
    assert set(Cause) == known["causes"].keys()
    assert set(LineState) == known["line_states"].keys()
    assert {"both-heard", "caller-silent", "callee-silent", "nothing-heard"} <= known["verdicts"].keys()


def test_every_alert_and_reason_in_the_code_is_in_the_catalogue() -> None:
    known = words("en")["errors"].keys()
    source = Path(gateway.__path__[0])
    used = set()
    for path in source.rglob("*.py"):
        text = path.read_text("utf-8")
        used |= set(re.findall(r"""AlertRaised\(\s*code=["']([a-z-]+)["']""", text))
        if path.parent.name == "modem":
            used |= set(re.findall(r"""reason=["']([a-z-]+)["']""", text))
    assert used
    assert used <= known, f"not in gateway/words.json: {sorted(used - known)}"


def test_no_part_is_missing_in_one_language() -> None:
    for section in words("en"):
        for code, entry in words("en")[section].items():
            assert entry.keys() == words("ru")[section][code].keys(), f"{section} {code}"
            for part, text in words("ru")[section][code].items():
                if section == "doctor" and part == "advice" and text == entry[part]:
                    continue  # a command to type, the same in every language
                has_words = re.search("[а-яё]", text, re.IGNORECASE) or not re.sub(r"\{\w+\}", "", text).strip()
                assert has_words, f"{section} {code} {part} is not Russian"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        ("de, en;q=0.1, ru;q=0.5", "ru"),
        ("en, ru", "en"),
        ("ru;q=0, en;q=0.1", "en"),
        ("ru_RU.UTF-8", "ru"),
        ("C", "en"),
        ("*;q=1,,;;", "en"),
        ("ru;q=9999999", "en"),
    ],
)
def test_language_is_picked_as_asked_for(header: str, language: str) -> None:
    assert pick_language(header) == language


def test_values_fill_the_sentence_or_it_is_left_out() -> None:
    assert error_detail("too-many-tries", "en", {"seconds": 7}) == "Try again in 7 s."
    assert error_detail("too-many-tries", "en", {}) is None
    assert error_detail("bad-request", "en", {"problem": "{seconds}"}) == "{seconds}"
    assert error_title("no-such-code", "en") == "no-such-code"


def test_the_contract_and_the_catalogue_agree_on_line_states() -> None:
    states = contract()["components"]["schemas"]["Line"]["properties"]["state"]["enum"]
    assert set(states) == set(LineState)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru_RU.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "ru_RU.UTF-8", "LC_MESSAGES": "C"}, "ru"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ru"}, "ru"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ru_RU.UTF-8"}, "en"),
    ],
)
def test_the_command_line_speaks_as_its_variables_say(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        (
            'shop.toml:12: "port" of [sip] must be a whole number, not text.',
            'shop.toml:12: "port" в [sip]: ожидается целое число, получено: текст.',
        ),
        (
            "shop.toml: The file cannot be read: no such file or directory.",
            "shop.toml: Файл не удаётся прочитать: нет такого файла или каталога.",
        ),
        (
            "No backup could be made in /b: [Errno 28] No space left on device: '/b/x'.",
            "Не удалось сделать резервную копию в /b: на диске нет места (/b/x).",
        ),
        (
            'a.toml:1: "m" is not a setting of [[lines]]; did you mean "modem"?\na:2: "a" of [b] must be 8.',
            'a.toml:1: В [[lines]] нет настройки «m»; возможно, имелось в виду «modem»?\na:2: "a" в [b]: ожидается 8.',
        ),
        ("Something that nobody has translated.", "Something that nobody has translated."),
        ("", ""),
    ],
)
def test_a_sentence_is_retold_with_its_values(english: str, russian: str) -> None:
    assert retold(english, "ru") == russian
    assert retold(english, "en") == english


def test_what_is_retold_has_the_same_values_and_no_shape_of_values_alone() -> None:
    sentences = json.loads(Path("gateway/words.json").read_text(encoding="utf-8"))["sentences"]
    assert len(sentences) > 300
    for code, entry in sentences.items():
        english, russian = entry["title"]["en"], entry["title"]["ru"]
        assert set(re.findall(r"\{\w+\}", russian)) <= set(re.findall(r"\{\w+\}", english)), code
        assert re.search(r"[A-Za-z]{2}", re.sub(r"\{\w+\}", "", english)) or code == "value", code
    assert "sentences" not in words("ru"), "nobody fetches what only the gateway can find"
