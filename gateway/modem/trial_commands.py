"""`simbridge modem check` and `simbridge modem record`, with what the command line was given."""

from __future__ import annotations

import argparse
import asyncio

from gateway.clock import utc_now
from gateway.modem.check import Wishes, Words, check
from gateway.modem.record import record
from gateway.modem.stories import ALL_STORIES, CALLS_OUT, SMS_OUT, USSD, Story
from gateway.modem.transcript import is_private
from gateway.modem.trial import number_to_try
from gateway.settings import ModemSettings
from gateway.telephony.numbers import Dialable


def run_check(options: argparse.Namespace, words: Words) -> int:
    """0 when everything that was tried is good."""
    wishes = Wishes(call=_number(options.call), incoming=options.incoming, sms=_number(options.sms))
    return 0 if asyncio.run(check(_settings(options), wishes, _tell, pin_file=options.pin_file, words=words)) else 1


def run_record(options: argparse.Namespace, words: Words) -> int:
    """0 once the transcript is written; 1 where something personal would have been left in it."""

    def tell(text: str) -> None:
        story, colon, request = text.partition(": ")  # a story keeps its name, by which it can be asked for
        _tell(f"{story}{colon}{words.said(request)}" if story in _STORIES else words.said(text))

    number = _number(options.call)
    wanted = tuple(each for each in ALL_STORIES if options.story is None or each.name in options.story)
    text = asyncio.run(
        record(
            _settings(options), number=number, ussd=options.ussd, stories=_possible(wanted, number, options.ussd),
            recorded=f"{utc_now():%Y-%m-%d} from a modem", tell=tell, pin_file=options.pin_file,
        )
    )  # fmt: skip
    if is_private(text, [number]):
        tell("The transcript still holds your number and is not written; please report that.")
        return 1
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text, encoding="utf-8")
        tell(f"Written to {options.output}. Look through it before you pass it on.")
    return 0


_STORIES = frozenset(each.name for each in ALL_STORIES)


def _possible(stories: tuple[Story, ...], number: Dialable | None, ussd: str | None) -> tuple[Story, ...]:
    """Without those for which nobody was named."""
    left_out = (() if number is not None else (*CALLS_OUT, SMS_OUT)) + (() if ussd is not None else (USSD,))
    return tuple(each for each in stories if each not in left_out)


def _settings(options: argparse.Namespace) -> ModemSettings:
    return ModemSettings(name="modem", at=options.port, voice=options.voice, dialect=options.dialect)


def _number(text: str | None) -> Dialable | None:
    return number_to_try(text) if text is not None else None


def _tell(text: str) -> None:
    print(text, flush=True)
