"""Do the tests notice when the code is wrong? `python -m tests.fuzz.mutants`, by hand: it takes minutes a module.

Each mutant is one small change of a module (a comparison turned round, a condition forced, a number one off), made in a
child process that then runs the module's tests: they must fail. Survivors are printed with their line; some of them
are no change at all in what the code does, and count as survivors all the same.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import random
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TARGETS: dict[str, tuple[str, ...]] = {
    "gateway.telephony.numbers": ("tests/telephony/test_numbers.py", "tests/telephony/test_number_spellings.py"),
    "gateway.modem.commands": ("tests/modem/test_commands.py",),
    "gateway.telephony.call_budget": ("tests/telephony/test_call_budget.py",),
    "gateway.store.month": ("tests/store/test_month.py",),
    "gateway.store.call_rate": ("tests/store/test_call_rate.py",),
    "gateway.store.budget": (
        "tests/store/test_budget.py", "tests/store/test_limits.py", "tests/store/test_call_rate.py",
        "-k", "not kill_9 and not stolen and not cannot_be_written",  # what takes its time, and starts processes
    ),
    "gateway.store.budget_limits": ("tests/store/test_limits.py", "tests/store/test_budget_limits.py"),
    "gateway.telephony.best_line": ("tests/telephony/test_best_line.py",),
    "gateway.telephony.together": ("tests/telephony/test_together.py",),
}  # fmt: skip
LONGEST_SECONDS = 90
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip


def main() -> int:
    """Try them; 1 when fewer than 85 of 100 were noticed in some module."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.mutants")
    parser.add_argument("modules", nargs="*", default=list(TARGETS))
    parser.add_argument("--most", type=int, default=1_000, help="so many mutants of each module, drawn at random")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed: {options.seed}", flush=True)
    shares = [_share(name, options.most, random.Random(options.seed)) for name in options.modules]
    return int(min(shares) < 0.85)


def _share(name: str, most: int, dice: random.Random) -> float:
    module = importlib.import_module(name)
    path = Path(str(module.__file__))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    places = list(_places(tree))
    chosen = sorted(dice.sample(range(len(places)), min(most, len(places))))
    killed = 0
    for number in chosen:
        if _is_noticed(name, path, number):
            killed += 1
        else:
            node, what = places[number]
            print(f"  survived: {path.name}:{getattr(node, 'lineno', 0)}: {what}", flush=True)
    share = killed / len(chosen)
    print(f"{name}: {killed} of {len(chosen)} mutants were noticed, {share:.0%}", flush=True)
    return share


def _is_noticed(name: str, path: Path, number: int) -> bool:
    """Run the tests against one mutant, in a child of this process."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        signal.alarm(LONGEST_SECONDS)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        node, _ = list(_places(tree))[number]
        _change(node)
        try:
            exec(compile(ast.fix_missing_locations(tree), path, "exec"), vars(sys.modules[name]))  # noqa: S102  # our own source
            arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *TARGETS[name]]
            code = int(pytest.main(arguments))
        except Exception:  # what cannot even be loaded was noticed
            code = 1
        os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 0


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """What can be changed, always in the same order. Words that only people read are left alone."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=[operator]) if type(operator) in _TURNED:
                yield node, f"{ast.unparse(node)} turned round"
            case ast.BoolOp():
                yield node, f"and/or exchanged in {ast.unparse(node)}"
            case ast.UnaryOp(op=ast.Not()):
                yield node, f"{ast.unparse(node)} without its not"
            case ast.If() | ast.IfExp():
                yield node, f"if {ast.unparse(node.test)} turned round"
            case ast.Constant(value=bool() | int()):
                yield node, f"another value for {ast.unparse(node)}"
            case _:
                pass


def _change(node: ast.AST) -> None:
    match node:
        case ast.Compare(ops=[operator]):
            node.ops = [_TURNED[type(operator)]()]
        case ast.BoolOp(op=operator):
            node.op = ast.Or() if isinstance(operator, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op = ast.Not()
            node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value)):
            node.value = value + 1
        case _:
            pass


if __name__ == "__main__":
    sys.exit(main())
