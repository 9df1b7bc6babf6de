"""The command line says everything in the language of whoever types; programs read the same in each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.command_words import say_fault
from gateway.errors import StoreError
from gateway.messages import retold
from gateway.modem.stories import ALL_STORIES

BAD_SHOP = '[shop]\nname = "Flowers"\ncurrency = "rubles"\n[[phones]]\nextension = "abc"\n'


@pytest.fixture(params=["C", "ru_RU.UTF-8"])
def language(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", request.param)
    return "ru" if request.param.startswith("ru") else "en"


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "gateway.toml"
    path.write_text(f'data_dir = "{tmp_path}/data"\n', encoding="utf-8")
    return str(path)


def test_what_is_wrong_with_a_shop(
    language: str, config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(BAD_SHOP, encoding="utf-8")
    assert main(["shop", "import", str(file), "--config", config]) == 2
    said = capsys.readouterr().err
    assert f"{file}:3: " in said
    assert f"{file}:5: " in said
    wanted = {"en": ("must be 1 to 8 digits", "Correct what is named"), "ru": ("от 1 до 8 цифр", "Исправьте указанное")}
    assert all(each in said for each in wanted[language])


def test_no_passphrase_of_the_backups(language: str, config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", "--config", config]) == 1
    said = capsys.readouterr().err
    assert {"en": "passphrase of the backups", "ru": "Парольную фразу резервных копий"}[language] in said


@pytest.mark.parametrize("typed", [["nonsense"], ["shop", "import"], ["call", "pcap", "x", "--seconds", "q"]])
def test_how_a_command_is_used(language: str, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(typed)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith({"en": "usage: simbridge", "ru": "использование: simbridge"}[language])
    assert {"en": ": error: ", "ru": ": ошибка: "}[language] in said
    if language == "ru":
        assert not {"argument", "required", "invalid"} & set(said.replace(":", " ").split())


def test_help_has_no_english_left(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    for typed in (["--help"], ["backup", "--help"], ["demo", "--help"], ["modem", "check", "--help"]):
        with pytest.raises(SystemExit):
            main(typed)
        said = capsys.readouterr().out
        headed = {"en": ("usage: ", "options:"), "ru": ("использование: ", "параметры:")}[language]
        assert all(each in said for each in headed), typed
        if language == "ru":
            assert not {"the", "and", "show", "where"} & set(said.split()), said


def test_what_to_do_stands_below_what_is_wrong(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    say_fault(StoreError("The database /x cannot be read: disk I/O error."))
    wrong, advice = capsys.readouterr().err.splitlines()
    assert wrong.startswith({"en": "The database /x", "ru": "Базу данных /x"}[language])
    assert advice.startswith({"en": "Check the free space", "ru": "Проверьте свободное место"}[language])


STORY_NAMES = frozenset(each.name for each in ALL_STORIES)

# Sentences whose middle is made elsewhere; each of the parts is in the catalogue.
MADE_OF_PARTS = ("{quoted(place)} {words}.", "{quoted((*place, 'url'))} {wrong}", "{quoted(place)}: {error}")
SOURCES = ("store", "backup", "settings.py", "toml_document.py", "cli.py", "bind_address.py")
SPEAKERS = frozenset({"problem", "_invalid", "say", "SettingsError", "StoreError"})


def test_every_sentence_with_values_is_in_the_catalogue() -> None:
    """Of what is wrong with files, the shop, the store and backups. Values are put in as X."""
    sentences = sorted(set(_sentences()))
    assert len(sentences) > 150
    unknown = [each for each in sentences if retold(each, "ru") == each]
    assert unknown == [], "add them to `sentences` of gateway/words.json"


REPORTS = ("modem/check.py", "modem/known_firmware.py", "modem/stories.py", "modem/trial_commands.py", "demo/checks.py")
NOT_SHOWN = frozenset(
    {"sound card", "no voice", "simbridge check", "X from a modem", "voice port", "SMS out", "SMS in", *STORY_NAMES}
)


def test_every_line_of_a_report_is_in_the_catalogue() -> None:
    """Of `modem check`, `modem record` and `demo --once`: a line, a value in it, or what stands before its colon."""
    texts = {
        text
        for source in REPORTS
        for text in _texts(ast.parse((Path("gateway") / source).read_text(encoding="utf-8")))
        if " " in text and len(re.findall("[a-z]+", text)) > 1
    }
    assert len(texts) > 80
    unknown = [each for each in sorted(texts - NOT_SHOWN) if not any(map(_is_retold, (each, f"{each}:", f"{each}; X")))]
    assert unknown == [], "add them to `sentences` of gateway/words.json"


def _is_retold(text: str) -> bool:
    return retold(text, "ru") != text


def _texts(node: ast.AST) -> Iterator[str]:
    """Every text but docstrings, with X for a value; and those within a value."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    inner: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        inner = [part for part in node.values if not isinstance(part, ast.Constant)]
    for each in inner:
        yield from _texts(each)


def _sentences() -> Iterator[str]:
    for source in SOURCES:
        path = Path("gateway") / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _speaks(node.func):
                    yield from filter(None, map(_with_values, node.args))


def _speaks(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in SPEAKERS or name.startswith("Backup")


def _with_values(argument: ast.expr) -> str | None:
    """The text with X for each value; None for what is no sentence, or is made of other sentences."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        text = argument.value
    elif isinstance(argument, ast.JoinedStr):
        if any(part in ast.unparse(argument) for part in MADE_OF_PARTS):
            return None
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in argument.values)
    else:
        return None
    text = text.removesuffix("X") if text.endswith((".X", '"X')) else text  # a hint, which is a sentence of its own
    return text if " " in text and text[-1] in ".?)" and not text.startswith("X:X:") else None
