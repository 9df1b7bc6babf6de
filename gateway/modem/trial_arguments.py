"""The arguments of `simbridge modem`. Nothing is imported here that other commands would have to wait for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from gateway.modem.stories import ALL_STORIES
from gateway.settings import DIALECTS

Command = Callable[[argparse.Namespace], int]


def add_modem_arguments(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], *, check: Command, record: Command
) -> None:
    """`modem check PORT` and `modem record PORT`; stop the daemon first, it holds the ports."""
    about = "try a modem by hand, while the daemon does not have it"
    verbs = commands.add_parser("modem", help=about, description=about).add_subparsers(required=True, metavar="VERB")

    about = "the acceptance of a new stick: identify, register, calls and sound both ways, SMS"
    checking = _add(verbs, "check", about)
    checking.set_defaults(command=check)
    checking.add_argument("--incoming", action="store_true", help="wait for a test call to the SIM")
    checking.add_argument("--sms", metavar="NUMBER", help="send a message to this number; the SIM's own brings it back")

    about = "write a dialogue with the modem as a transcript that holds nothing personal"
    recording = _add(verbs, "record", about)
    recording.set_defaults(command=record)
    recording.add_argument("--output", type=Path, metavar="FILE", help="where to write it (standard output)")
    recording.add_argument("--ussd", metavar="CODE", help="a code to ask the operator, such as *100#")
    recording.add_argument(
        "--story", action="append", metavar="NAME", choices=[each.name for each in ALL_STORIES],
        help="play only this story; may be given again (all): " + "; ".join(each.name for each in ALL_STORIES),
    )  # fmt: skip


def _add(verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, about: str) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=about, description=about)
    parser.add_argument("port", metavar="PORT", help="where the modem takes commands: /dev/serial/by-id/...-if02-port0")
    parser.add_argument("--voice", metavar="PORT", help='its voice port, or a sound card: "alsa:hw:CARD=Android,DEV=0"')
    parser.add_argument("--dialect", choices=DIALECTS, default="auto", help="its family (as it says itself)")
    parser.add_argument("--call", metavar="NUMBER", help="the phone of the person who helps, like +79161234567")
    parser.add_argument("--pin-file", metavar="FILE", help="a file that holds the SIM's PIN; it is tried once")
    return parser
