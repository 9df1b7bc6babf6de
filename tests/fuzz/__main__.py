"""The long form: `make fuzz`. A million mutations by default, 200,000 texts put into every field that takes one, and
half an hour of speech in which no key is to be heard.

Every line says what was counted; the exit status is 0 when nothing was found. ARGS="--mutations 10000000 --seed 1".
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import secrets
import sys
import time
import traceback
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.sip.grammar import MalformedMessage
from gateway.sip.headers import NameAddress, Via
from gateway.sip.message import Headers, Request, parse_message, serialise
from gateway.sip.sdp import agree, parse_sdp
from gateway.sip.uri import SipUri
from tests.fuzz import api, talk_off
from tests.fuzz.number_spellings import SPELLINGS, disagreements
from tests.fuzz.sip import all_messages, broken_elements, mutated, replaced, valid_messages

SLOWEST_MS = 10.0
MOST_GROWTH = 3.0
"""The time per byte at 64 KiB may be so many times that at 1 KiB: what grows with the square would be 64 times it."""
MOST_MIB = 5.0
TEXTS_TOGETHER = 10
"""Messages of one example: hypothesis spends milliseconds on each example, and far less on each text in it."""
EXAMPLES_IN_A_ROUND = 1_000
"""It remembers every example of a run, to repeat none, and becomes slower with each: so there are many short runs."""
MOST_KEYS_AN_HOUR = 1.0
"""In an hour of speech without a pause, as any of the codings leaves it."""

_OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
)


def main() -> int:
    """Run everything; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--mutations", type=int, default=1_000_000)
    parser.add_argument("--texts", type=int, default=200_000)
    parser.add_argument("--numbers", type=int, default=5_000)
    parser.add_argument("--speech-minutes", type=float, default=30.0)
    parser.add_argument("--api-examples", type=int, default=30, help="random requests for each operation of the API")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    options = parser.parse_args()
    print(f"seed: {options.seed} (repeat with ARGS='--seed {options.seed}')", flush=True)
    found = [
        _anomalies(),
        _elements(),
        _mutations("messages", options.mutations, options.seed, all_messages(), _read_message),
        _mutations("descriptions", options.mutations // 10, options.seed, [_OFFER], _read_description),
        _growth(),
        _injections(options.texts, options.seed),
        _spellings(options.numbers, options.seed),
        _talk_off(options.speech_minutes, options.seed),
        api.look(options.api_examples, options.seed),
    ]
    print("nothing was found" if not any(found) else "SOMETHING WAS FOUND", flush=True)
    return int(any(found))


def _spellings(numbers: int, seed: int) -> bool:
    found = disagreements(numbers, seed)
    print(f"telephone numbers: {numbers * SPELLINGS} spellings of {numbers}, {len(found)} judged otherwise", flush=True)
    for text in found[:10]:
        print(repr(text), flush=True)
    return bool(found)


def _read_message(data: bytes) -> None:
    message = parse_message(data)
    if parse_message(serialise(message)) != message:
        raise AssertionError(f"not read back: {data!r}")


def _read_description(data: bytes) -> None:
    agree(parse_sdp(data))


def _anomalies() -> bool:
    count = 0
    for message in valid_messages().values():
        for data in replaced(message):
            count += 1
            if not _is_harmless(data, _read_message):
                return True
    print(
        f"every field of {len(valid_messages())} valid messages replaced by each anomaly: {count} messages", flush=True
    )
    return False


def _elements() -> bool:
    count = 0
    for data in broken_elements():
        count += 1
        if not (_is_harmless(data, _read_message) and _is_harmless(data.partition(b"\r\n\r\n")[2], _read_description)):
            return True
    print(f"every element of an INVITE replaced by each anomaly: {count} messages", flush=True)
    return False


def _mutations(name: str, count: int, start: int, originals: list[bytes], read: Callable[[bytes], None]) -> bool:
    source = random.Random(start)
    slowest, before = 0.0, _mib()
    accepted = 0
    for _ in range(count):
        data = mutated(source.choice(originals), source)
        started = time.thread_time()
        try:
            read(data)
            accepted += 1
        except MalformedMessage:
            pass
        except Exception:
            traceback.print_exc()
            print(f"{name}: {data!r}", flush=True)
            return True
        seconds = time.thread_time() - started
        if seconds > slowest:  # a busy machine is slow once, a bad message always
            slowest = max(slowest, min(seconds, _least_seconds(data, read)))
    grown = _mib() - before
    print(
        f"{name}: {count} mutations, {accepted} accepted, the slowest took {1000 * slowest:.1f} ms, "
        f"the process has grown by {grown:.1f} MiB",
        flush=True,
    )
    return 1000 * slowest > SLOWEST_MS or grown > MOST_MIB


def _least_seconds(data: bytes, read: Callable[[bytes], None]) -> float:
    least = 1.0
    for _ in range(5):
        started = time.thread_time()
        with contextlib.suppress(MalformedMessage):
            read(data)
        least = min(least, time.thread_time() - started)
    return least


def _growth() -> bool:
    """64 KiB in many fields, because one is 8 KiB at most."""
    worst, worst_filler = 0.0, ""
    for filler in (
        '"',
        "\\",
        '"\\',
        "<",
        ">",
        ",",
        ";",
        "%",
        "a=",
        " ",
        "\t",
        "(",
        "é",
        '"a",',
        "<sip:a>",
        "sip:a@b;c,",
    ):
        ratio = _per_byte(filler, 65_000) / _per_byte(filler, 1_000)
        if ratio > worst:
            worst, worst_filler = ratio, filler
    print(f"time per byte at 64 KiB: at most {worst:.2f} times that at 1 KiB (of {worst_filler!r})", flush=True)
    return worst > MOST_GROWTH


def _per_byte(filler: str, length: int) -> float:
    names = ("Contact", "Via", "Route", "Record-Route", "Authorization", "Accept", "X")
    value = (filler * length)[: min(length // 8, 8_000)]
    lines = [f"{names[number % len(names)]}: {value}" for number in range(8)]
    fixed = ["OPTIONS sip:x SIP/2.0", "Via: SIP/2.0/UDP h;branch=z9hG4bKx", "From: <sip:a@h>;tag=1", "To: <sip:b@h>"]
    data = "\r\n".join([*fixed, "Call-ID: c", "CSeq: 1 OPTIONS", *lines]).encode()[:65_000] + b"\r\n\r\n"
    fastest = 1.0
    for _ in range(5):
        started = time.thread_time()
        try:
            message = parse_message(data)
            if isinstance(message, Request):
                message.credentials("Authorization")
        except MalformedMessage:
            pass
        fastest = min(fastest, time.thread_time() - started)
    return fastest / len(data)


def _injections(count: int, start: int) -> bool:
    """parse(serialise(m)) == m for every text in every place that takes one, and no field that was not set."""
    printable = st.text(st.characters(exclude_categories=("Cc", "Cs")))
    # Mostly what can be written: of three wild texts one is nearly always refused.
    texts = (
        printable | printable | printable | st.text() | st.builds("{}\r\nX-Injected: {}".format, printable, st.text())
    )
    three = st.tuples(texts, texts, texts)
    examined = written = round_number = 0

    def inject(examples: list[tuple[str, str, str]]) -> None:
        nonlocal examined, written
        for example in examples:
            examined += 1
            written += _is_written(*example)

    while examined < count:
        rules = settings(
            max_examples=min(EXAMPLES_IN_A_ROUND, -(-(count - examined) // TEXTS_TOGETHER)),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        several = st.lists(three, min_size=TEXTS_TOGETHER, max_size=TEXTS_TOGETHER)
        try:
            seed(start + round_number)(rules(given(several)(inject)))()
        except Exception:
            traceback.print_exc()
            return True
        round_number += 1
    print(
        f"injections: {examined} messages with texts in eight places, {written} of them written, the others refused; "
        "0 were read as anything else",
        flush=True,
    )
    return written < count // 20


def _is_written(first: str, second: str, third: str) -> bool:
    """False: a message with these texts is refused. Raises AssertionError when it is read as another message."""
    try:
        headers = Headers()
        headers.add("Via", Via("UDP", "h", None, (("branch", "z9hG4bKx"), ("p", first))))
        headers.add("From", NameAddress(SipUri("h", user=first or "u"), second, (("tag", "1"), ("p", third))))
        headers.add("To", NameAddress(SipUri("h", user=second or "u", password=third), first))
        headers.add("Call-ID", "c")
        headers.add("CSeq", "1 OPTIONS")
        headers.add("Subject", third)
        message = Request(headers, method="OPTIONS", uri=SipUri("h", user=third or "u"))
        data = serialise(message)
    except MalformedMessage:
        return False
    if parse_message(data) != message or data.count(b"\r\n") != len(headers) + 3:
        raise AssertionError(f"a text has changed the message: {data!r}")
    return True


def _talk_off(minutes: float, start: int) -> bool:
    """Speech that is taken for keys."""
    mistakes, hours = talk_off.listen(minutes, start)
    for coding, found in mistakes.items():
        print(f"speech, {coding}: {len(found)} keys in {hours * 60:.0f} minutes", *found, sep="\n  ", flush=True)
    return sum(map(len, mistakes.values())) > MOST_KEYS_AN_HOUR * hours * len(mistakes)


def _is_harmless(data: bytes, read: Callable[[bytes], None]) -> bool:
    try:
        read(data)
    except MalformedMessage:
        pass
    except Exception:
        traceback.print_exc()
        print(repr(data[:2_000]), flush=True)
        return False
    return True


def _mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
