"""What the house looks like: sizes, words, names, and what must not stand in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.architecture.source import ROOT, modules, nodes, project_files, text_of

LONG_FILES: dict[str, str] = {
    # file -> why it is one room although it is longer
}
LINES = 440
"""About 400, as the house says."""

TOP_LEVEL = frozenset(
    {".ci", "docs", "firmware-notes", "gateway", "systemd", "tests", "web"}
    | {".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "hardware.md", "pyproject.toml"}
    | {f"requirements-{kind}{python}.lock" for kind in ("", "dev-") for python in ("3.11", "3.13")}
)

CODE_SUFFIXES = frozenset({".py", ".html", ".js", ".css", ".sh", ".mako", ".toml", ".sql", ".json", ".txt"})
"""Files in which a note to oneself would be a loose end; in prose the words may be spoken about."""

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")

_EXCEPTION = r"(noqa(: [A-Z0-9, ]+)?|type: ignore(\[[a-z, -]+\])?)"
UNEXPLAINED = re.compile(rf"# {_EXCEPTION}(\s*# {_EXCEPTION})*\s*$")
"""A rule that is set aside, and no word behind it that says why."""

REGISTRY_HOSTS = re.compile(
    "|".join(
        re.escape(host)
        for host in (
            *("pypi" + ".org", "pythonhosted" + ".org", "deb.debian" + ".org", "security.debian" + ".org"),
            *("registry.npmjs" + ".org", "static.crates" + ".io", "proxy.golang" + ".org", "raspberrypi" + ".com"),
        )
    )
)

AVOIDED_ENDINGS = re.compile(r"(Manager|Handler|Helper|Service|Utils?)$")
AVOIDED_FILES = frozenset({"helper", "helpers", "util", "utils", "manager", "managers", "common", "misc"})

UNESCAPED = re.compile(r"\|\s*safe\b|\{%-?\s*autoescape\s+false|\bMarkup\(")
MAY_MAKE_MARKUP: dict[str, str] = {
    # file -> why what it marks as HTML is HTML already
    "web/app.py": "a constant of our own; format() of Markup escapes what is put in",
    "web/parts.py": "the output of a template, which has escaped everything",
}


def _lines_of(path: Path, pattern: re.Pattern[str]) -> list[str]:
    text = text_of(path) or ""
    return [
        f"{path}:{number}: {line.strip()[:100]}"
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def _is_foreign(path: Path) -> bool:
    """Files that others wrote and we carry along unchanged."""
    return "vendor" in path.parts or path.parts[:3] == ("tests", "data", "rfc4475")


def test_only_known_names_stand_at_the_top() -> None:
    assert {path.parts[0] for path in project_files()} <= TOP_LEVEL


def test_a_file_fits_on_a_few_screens() -> None:
    lengths = {path.as_posix(): len((text_of(path) or "").splitlines()) for path in project_files()}
    long = {path: lines for path, lines in lengths.items() if lines > LINES and path.endswith(".py")}
    assert long.keys() == LONG_FILES.keys(), f"redesign it, or say in LONG_FILES why it is one room: {long}"


def test_nothing_is_left_for_later() -> None:
    found = [
        line
        for path in project_files()
        if path.suffix in CODE_SUFFIXES and not _is_foreign(path)
        for line in _lines_of(path, UNFINISHED)
    ]
    assert not found, "\n".join(found)


def test_every_exception_from_a_rule_says_why() -> None:
    found = [line for path in project_files() if path.suffix == ".py" for line in _lines_of(path, UNEXPLAINED)]
    assert not found, "\n".join(found)


def test_no_registry_is_named() -> None:
    found = [line for path in project_files() if not _is_foreign(path) for line in _lines_of(path, REGISTRY_HOSTS)]
    assert not found, "\n".join(found)


def test_templates_escape_everything() -> None:
    found = [
        line
        for path in project_files()
        if path.parts[0] in ("web", "gateway") and path.suffix in (".html", ".txt", ".xml", ".py")
        if path.as_posix() not in MAY_MAKE_MARKUP
        for line in _lines_of(path, UNESCAPED)
    ]
    assert not found, "\n".join(found)


def test_names_are_words_of_the_trade() -> None:
    wrong = [
        f"{module.path}:{node.lineno}: {node.name}"
        for module in modules("gateway", "web", "tests")
        for node in nodes(module)
        if isinstance(node, ast.ClassDef) and AVOIDED_ENDINGS.search(node.name)
    ]
    wrong += [path.as_posix() for path in project_files() if path.suffix == ".py" and path.stem in AVOIDED_FILES]
    assert not wrong, "\n".join(wrong)


def _is_skip_or_mock(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr="skip" | "skipif" | "xfail" | "importorskip"):
            return True
        case ast.ImportFrom(module="unittest.mock"):
            return True
        case ast.ImportFrom(module="unittest", names=names) | ast.Import(names=names):
            return any(alias.name in ("mock", "unittest.mock") for alias in names)
    return False


def test_no_test_is_skipped_and_none_mocks() -> None:
    wrong = [module.path for module in modules("tests") if any(map(_is_skip_or_mock, nodes(module)))]
    assert not wrong, f"mend what is skipped; write a fake in tests/fakes for what is mocked: {wrong}"


def test_every_file_says_what_it_is() -> None:
    wrong = [module.path for module in modules("gateway", "web") if not ast.get_docstring(module.tree)]
    assert not wrong, f"no docstring: {wrong}"


def test_scripts_can_be_run() -> None:
    wrong = [
        str(path)
        for path in project_files()
        if (text_of(path) or "").startswith("#!") and not (ROOT / path).stat().st_mode & 0o111
    ]
    assert not wrong, f"these start with #! but have no run bit: {wrong}"
