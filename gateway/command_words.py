"""What the command line says to whoever types, in the language that LC_ALL, LC_MESSAGES or LANG asks for.

Its sentences are made in English, as everywhere, and said in another language by the catalogue. What programs read
(JSON, TOML, exit statuses) is the same in every language.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from typing import IO, Any, NoReturn

from gateway.errors import GatewayError
from gateway.messages import error_advice, language_of, retold, words


def said(text: str) -> str:
    """A text of ours in the language of whoever types."""
    return retold(text, language_of(os.environ))


def titled(section: str, code: str) -> str:
    """What a code of the catalogue is called in that language; the code, where it has no title."""
    return words(language_of(os.environ))[section].get(code, {}).get("title", code)


def say(text: str, *, to: IO[str] | None = None) -> None:
    """Print it; to standard output when no other place is named."""
    print(said(text), file=to or sys.stdout)


def say_fault(fault: GatewayError) -> None:
    """What is wrong and what to do about it, to standard error.

    The second is in the fault's own next sentence where it knows more than its code does, else in the catalogue.
    """
    say(str(fault), to=sys.stderr)
    advice = error_advice(fault.code, language_of(os.environ))
    if advice is not None and ". " not in str(fault):
        print(advice, file=sys.stderr)


def never_fail_for_a_letter() -> None:
    """A terminal that has no such letter shows a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class CommandParser(argparse.ArgumentParser):
    """Help and complaints in the language of whoever types."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As the class above; `description` is a text of ours."""
        super().__init__(*arguments, **_said_of("description", options))
        self.register("action", "parsers", _Commands)

    def add_argument(self, *names: Any, **options: Any) -> argparse.Action:
        """As the class above; `help` is a text of ours."""
        return super().add_argument(*names, **_said_of("help", options))

    def format_usage(self) -> str:
        """As the class above."""
        return _headed(super().format_usage())

    def format_help(self) -> str:
        """As the class above."""
        return _headed(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Says how the command is used and what is wrong; exit status 2."""
        self.print_usage(sys.stderr)
        self.exit(2, said(f"{self.prog}: error: {message}") + "\n")


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]  # noqa: SLF001  # argparse gives it no public name, typeshed no arguments
    def add_parser(self, name: str, **options: Any) -> Any:
        return super().add_parser(name, **_said_of("help", options))


def _said_of(key: str, options: dict[str, Any]) -> dict[str, Any]:
    text = options.get(key)
    return options if not isinstance(text, str) else {**options, key: said(text)}


def _headed(text: str) -> str:
    """The words that stand above and before what is ours."""
    heads = r"^(usage: |positional arguments(?=:)|options(?=:))"
    return re.sub(heads, lambda found: said(found[1]), text, flags=re.MULTILINE)
