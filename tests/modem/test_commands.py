"""T-F12: whatever text comes to an encoder, exactly one expected command leaves it, or nothing does."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gateway.modem
from gateway.errors import GatewayError, TextRefused
from gateway.modem import commands
from gateway.modem.commands import Command
from gateway.modem.pdu import submit_parts
from tests.fakes.numbers import dialable
from tests.faults import rounds

# What an attacker has, and everything else.
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from('0123456789*#+;"\r\n\x1a\x1b\0,=ATDatd '), max_size=30),
    st.sampled_from(["5\r\nATD900123;", "1234;+CMGS=9", '*100#",15\rATD900;', "0\x1aAT+CFUN=0", "+7916\r", "12345678"]),
)


def commands_on_the_wire(command: Command) -> list[bytes]:
    """What a modem would make of the bytes: commands end at CR, a body at 0x1A."""
    wire = command.wire
    if command.body is not None:
        wire += command.body.encode("ascii") + b"\x1a"
    return [part for part in re.split(rb"[\r\n\x1a\x1b]", wire) if part]


def expect(encode: Callable[[], Command], pattern: str) -> None:
    try:
        command = encode()
    except GatewayError:
        return
    (line,) = commands_on_the_wire(command)
    assert re.fullmatch(pattern.encode(), line), line
    assert command.wire.endswith(b"\r")


def made_up(digits: str) -> Any:
    """What only a broken policy would hand over: no Dialable at all."""
    return SimpleNamespace(digits=digits, emergency=False)


@settings(max_examples=rounds(100, 10_000))
@given(HOSTILE)
@example("0\r\nATD900123;")
@example("112;+CMGS=1")
@example("٠١٢")
def test_dial(text: str) -> None:
    expect(lambda: commands.dial(made_up(text)), r"ATD\+?[0-9]{1,20};")


@settings(max_examples=rounds(100, 10_000))
@given(HOSTILE)
@example('1234"\rATD900;')
def test_pin(text: str) -> None:
    expect(lambda: commands.enter_pin(text), r'AT\+CPIN="[0-9]{4,8}"')


@settings(max_examples=rounds(60, 10_000))
@given(HOSTILE)
def test_ussd(text: str) -> None:
    expect(lambda: commands.ussd_ucs2(text), r'AT\+CUSD=1,"(?:00[0-9A-F]{2})+",15')
    expect(lambda: commands.ussd_packed(text), r'AT\+CUSD=1,"(?:[0-9A-F]{2})+",15')
    expect(lambda: commands.ussd_plain(text), r'AT\+CUSD=1,"[0-9A-Za-z*#+. ]+",15')


@settings(max_examples=rounds(60, 10_000))
@given(HOSTILE, st.integers(-5, 100))
def test_keys(text: str, call: int) -> None:
    expect(lambda: commands.vts(text), r'AT\+VTS="[0-9*#A-D]"')
    expect(lambda: commands.huawei_dtmf(call, text), r"AT\^DTMF=[1-7],[0-9*#]")


@given(HOSTILE, st.integers(-(10**9), 10**9))
def test_storages_and_indices(text: str, index: int) -> None:
    expect(lambda: commands.choose_storage(text), r'AT\+CPMS="(?:SM|ME|MT)"')
    expect(lambda: commands.delete_message(index), r"AT\+CMGD=[0-9]{1,5}")
    expect(lambda: commands.release_call(index), r"AT\+CHLD=1[1-7]")


@settings(max_examples=rounds(80, 10_000))
@given(HOSTILE, HOSTILE)
def test_sms_text_and_recipient_only_travel_as_hex(recipient: str, text: str) -> None:
    try:
        parts = submit_parts(recipient, text, reference=7)
    except GatewayError:
        return
    for part in parts:
        command = commands.send_message(part)
        first, body = commands_on_the_wire(command)
        assert re.fullmatch(rb"AT\+CMGS=[0-9]{1,3}", first)
        assert re.fullmatch(rb"00[0-9A-F]+", body)
        assert len(body) == 2 * (1 + int(first[8:]))


@given(HOSTILE)
def test_a_constant_command_is_no_door_either(text: str) -> None:
    expect(lambda: commands.fixed(text), r'AT(?:[EHZAI][0-9]?|[+^][A-Z0-9_]+(?:\?|=\?|=[A-Za-z0-9,"_]*)?)?')
    expect(lambda: Command(text), r"AT[ -~]*")


@given(HOSTILE)
def test_a_dial_command_cannot_be_made_by_hand(text: str) -> None:
    expect(lambda: Command("ATD" + text), r"ATD\+?[0-9]{1,20};")
    expect(lambda: Command("atd" + text), r"ATD never")


def test_what_is_dialled() -> None:
    assert commands.dial(dialable("+79161234567")).wire == b"ATD+79161234567;\r"
    assert commands.dial(dialable("112")).wire == b"ATD112;\r"


def test_a_pin_is_never_shown() -> None:
    command = commands.enter_pin("4829")
    assert command.wire == b'AT+CPIN="4829"\r'
    assert command.shown == "AT+CPIN=..."
    assert command.secret
    assert commands.fixed("AT+CFUN=1").shown == "AT+CFUN=1"


def flags(command: Command) -> set[str]:
    """What is set of those that say how its answer is read."""
    return {name for name in ("bare", "pdu_lines", "must_answer", "dialling", "secret") if getattr(command, name)}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (commands.ATTENTION, set()),
        (commands.HANG_UP, set()),
        (commands.ANSWER, {"dialling"}),
        (commands.dial(dialable("112")), {"dialling"}),
        (commands.LIST_CALLS, set()),
        (commands.WHY_ENDED, set()),
        (commands.RESYNCHRONISE, {"must_answer"}),
        (commands.SIGNAL, {"must_answer"}),
        (commands.query("AT+CNMI?", "+CNMI"), {"must_answer"}),
        (commands.OWN_NUMBER, set()),
        (commands.LIST_MESSAGES, {"pdu_lines"}),
        (commands.delete_message(1), set()),
        (commands.send_message(b"\x01"), {"must_answer"}),
        (commands.choose_storage("SM"), set()),
        (commands.enter_pin("4829"), {"secret"}),
        *(
            (each, {"bare", "must_answer"})
            for each in (commands.MANUFACTURER, commands.MODEL, commands.FIRMWARE, commands.IMEI, commands.IMSI)
        ),
    ],
)
def test_how_the_answer_of_each_is_known(command: Command, expected: set[str]) -> None:
    assert flags(command) == expected
    assert hash(command) == hash(command), "a constant that nobody can change"


@pytest.mark.parametrize(
    ("encode", "least", "most"),
    [
        (commands.delete_message, 0, 65535),
        (commands.release_call, 1, 7),
        (lambda call: commands.huawei_dtmf(call, "1"), 1, 7),
        (lambda length: commands.send_message(bytes(length)), 1, 175),
        (lambda length: commands.ussd_plain("1" * length), 1, 100),
        (lambda length: commands.enter_pin("1" * length), 4, 8),
        (lambda length: commands.dial(made_up("1" * length)), 1, 20),
        (lambda length: commands.dial(made_up("+" + "1" * length)), 1, 20),
        (lambda words: commands.ussd_plain(" ".join("1" * words)), 1, 21),
    ],
)
def test_the_bounds_of_each(encode: Callable[[int], Command], least: int, most: int) -> None:
    """The last value on either side goes through, the next one does not."""
    for value in (least, most):
        assert commands_on_the_wire(encode(value))
    for value in (least - 1, most + 1):
        with pytest.raises(TextRefused):
            encode(value)


def test_a_refusal_shows_the_beginning_of_what_it_refuses() -> None:
    with pytest.raises(TextRefused) as refusal:
        commands.ussd_plain("x" * 39 + "yz" + "!" * 200)
    assert refusal.value.values["value"] == "x" * 39 + "y"
    with pytest.raises(TextRefused):
        commands.choose_storage("")


def test_ussd_in_the_three_codings() -> None:
    assert commands.ussd_ucs2("*100#").text == 'AT+CUSD=1,"002A0031003000300023",15'
    assert commands.ussd_packed("*100#").text == 'AT+CUSD=1,"AA180C3602",15'
    assert commands.ussd_plain("*100#").text == 'AT+CUSD=1,"*100#",15'
    with pytest.raises(TextRefused):
        commands.ussd_plain('*100#"')


def test_only_the_encoders_make_commands_and_only_of_constants() -> None:
    """No other way for text to reach a modem: nobody else builds a Command, and `fixed` is given literals."""
    for path in Path(gateway.modem.__file__).parent.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name == "Command":
                assert path.name == "commands.py", path
            constants = {"fixed": call.args[:1], "query": call.args, "optional": call.args}.get(name, [])
            names = any(isinstance(each, ast.Name) for each in constants)
            passed_on = names and path.name in ("commands.py", "dialect.py")
            assert passed_on or all(isinstance(each, ast.Constant) for each in constants), ast.unparse(call)


def test_only_the_channel_writes_to_a_port() -> None:
    writers = {
        path.name
        for path in Path(gateway.modem.__file__).parent.rglob("*.py")
        if re.search(r"port\.write\(|_write_now\(|write_or_drop\(|os\.write", path.read_text())
    }
    # discovery_probe.py asks a port whether it takes commands; transcript.py passes on what the channel writes.
    assert writers == {"channel.py", "serial_port.py", "tty_pcm.py", "discovery_probe.py", "transcript.py"}
