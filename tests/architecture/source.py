"""The project's own source, read once: what the architecture tests look at."""

from __future__ import annotations

import ast
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """One Python file; `path` is relative to the checkout, with slashes."""

    path: str
    name: str
    """As imported: gateway.audio.frame."""
    text: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.endswith("/__init__.py")


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """Every Python file below the given top-level packages."""
    return tuple(_read(path) for package in packages for path in sorted((ROOT / package).rglob("*.py")))


@cache
def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    parts = relative.with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(relative.as_posix(), name, text, ast.parse(text, str(relative)))


@cache
def nodes(module: Module) -> tuple[ast.AST, ...]:
    """All of its syntax tree."""
    return tuple(node for _, node in placed_nodes(module))


@cache
def placed_nodes(module: Module) -> tuple[tuple[str, ast.AST], ...]:
    """Every node of it with the dotted name of the function and class around it."""
    found: list[tuple[str, ast.AST]] = []
    waiting: list[tuple[str, ast.AST]] = [("", module.tree)]
    while waiting:
        place = waiting.pop()
        found.append(place)
        where, node = place
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            where = f"{where}.{node.name}" if where else node.name
        waiting += [(where, child) for child in ast.iter_child_nodes(node)]
    return tuple(found)


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the checkout that .gitignore does not name, relative to it."""
    return tuple(path.relative_to(ROOT) for path in _walk(ROOT))


def _walk(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.iterdir()):
        if path.name == ".git" or _is_ignored(path):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _is_ignored(path: Path) -> bool:
    relative = "/" + path.relative_to(ROOT).as_posix()
    for pattern in _ignore_patterns():
        bare = pattern.rstrip("/")
        if pattern.endswith("/") and not path.is_dir():
            continue
        if fnmatch.fnmatch(relative, bare) if bare.startswith("/") else fnmatch.fnmatch(path.name, bare):
            return True
    return False


@cache
def _ignore_patterns() -> tuple[str, ...]:
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def text_of(path: Path) -> str | None:
    """The text of a project file; None where it is not UTF-8 text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def forget() -> None:
    """Keep nothing of what was read."""
    for each in (modules, _read, nodes, placed_nodes, project_files, text_of):
        each.cache_clear()
