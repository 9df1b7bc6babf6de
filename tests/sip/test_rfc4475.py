"""All messages of RFC 4475, with what each must come to, and two other parsers as witnesses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosipua
import pytest
import sipmessage

from gateway.sip.grammar import MalformedMessage
from gateway.sip.message import Request, Response, parse_message, serialise

MESSAGES = Path(__file__).parents[1] / "data" / "rfc4475"

# File, section, and the status that the parser refuses it with; None: accepted.
VERDICTS: dict[str, tuple[str, int | None]] = {
    "wsinv.dat": ("3.1.1.1", None),
    "intmeth.dat": ("3.1.1.2", None),
    "esc01.dat": ("3.1.1.3", None),
    "escnull.dat": ("3.1.1.4", None),
    "esc02.dat": ("3.1.1.5", None),
    "lwsdisp.dat": ("3.1.1.6", None),
    "longreq.dat": ("3.1.1.7", None),
    "dblreq.dat": ("3.1.1.8", None),
    "semiuri.dat": ("3.1.1.9", None),
    "transports.dat": ("3.1.1.10", None),
    "mpart01.dat": ("3.1.1.11", None),
    "unreason.dat": ("3.1.1.12", None),
    "noreason.dat": ("3.1.1.13", None),
    "badinv01.dat": ("3.1.2.1", 400),
    "clerr.dat": ("3.1.2.2", 400),
    "ncl.dat": ("3.1.2.3", 400),
    "scalar02.dat": ("3.1.2.4", 400),
    "scalarlg.dat": ("3.1.2.5", 400),
    "quotbal.dat": ("3.1.2.6", 400),
    "ltgtruri.dat": ("3.1.2.7", 400),
    "lwsruri.dat": ("3.1.2.8", 400),
    "lwsstart.dat": ("3.1.2.9", 400),
    "trws.dat": ("3.1.2.10", 400),
    "escruri.dat": ("3.1.2.11", 400),
    "baddate.dat": ("3.1.2.12", 400),
    "regbadct.dat": ("3.1.2.13", 400),
    "badaspec.dat": ("3.1.2.14", 400),
    "baddn.dat": ("3.1.2.15", 400),
    "badvers.dat": ("3.1.2.16", 505),
    "mismatch01.dat": ("3.1.2.17", 400),
    "mismatch02.dat": ("3.1.2.18", 400),
    "bigcode.dat": ("3.1.2.19", 400),
    "badbranch.dat": ("3.2.1", 400),
    "insuf.dat": ("3.3.1", 400),
    "unkscm.dat": ("3.3.2", None),
    "novelsc.dat": ("3.3.3", None),
    "unksm2.dat": ("3.3.4", None),
    "bext01.dat": ("3.3.5", None),
    "invut.dat": ("3.3.6", None),
    "regaut01.dat": ("3.3.7", None),
    "multi01.dat": ("3.3.8", 400),
    "mcl01.dat": ("3.3.9", 400),
    "bcast.dat": ("3.3.10", None),
    "zeromf.dat": ("3.3.11", None),
    "cparam01.dat": ("3.3.12", None),
    "cparam02.dat": ("3.3.13", None),
    "regescrt.dat": ("3.3.14", None),
    "sdp01.dat": ("3.3.15", None),
    "inv2543.dat": ("3.4.1", None),
    "test.dat": ("A", 400),
}

# Where a witness says otherwise: why ours is the right verdict.
S, A = "sipmessage", "aiosipua"
DIFFERENT: dict[str, tuple[tuple[str, ...], str]] = {
    "badaspec.dat": ((A,), "an addr-spec holds no spaces; an element that checks answers 400"),
    "badbranch.dat": ((S, A), "the cookie alone is no branch: to match by it would merge strangers' transactions"),
    "baddate.dat": ((S, A), "SIP dates are in GMT; both keep the field unread"),
    "baddn.dat": ((A,), "an unquoted comma separates values, and the copy in the archive has no end of its header"),
    "badinv01.dat": ((A,), "empty parameters and empty list members are no grammar"),
    "badvers.dat": ((A,), "the version is SIP/7.0: 505"),
    "bigcode.dat": ((S, A), "a status has three digits; both keep 4294967301"),
    "clerr.dat": ((S, A), "a datagram shorter than its Content-Length is cut off; both take what there is"),
    "escruri.dat": ((A,), "a Request-URI carries no headers; they could smuggle a Route"),
    "insuf.dat": ((A,), "there is no Call-ID, From or To to answer by; aiosipua fills in nothing"),
    "ltgtruri.dat": ((A,), "angle brackets are of name-addr, not of the Request-URI"),
    "lwsruri.dat": ((A,), "white space ends the URI: the start line has four words"),
    "lwsstart.dat": ((A,), "exactly one space stands between the elements of a start line"),
    "mcl01.dat": ((S, A), "two lengths are a way to smuggle a second message past one of two readers"),
    "mismatch01.dat": ((S, A), "a CSeq of another method would match another transaction"),
    "mismatch02.dat": ((S, A), "a CSeq of another method would match another transaction"),
    "multi01.dat": ((S, A), "of two Call-IDs, two readers take different ones"),
    "ncl.dat": ((S, A), "a length is not negative"),
    "novelsc.dat": ((S,), "the scheme is well formed: it is the user agent that answers 416, not the parser"),
    "quotbal.dat": ((A,), "the quoted string never ends"),
    "regbadct.dat": ((A,), "a URI with headers needs angle brackets"),
    "regescrt.dat": ((S,), "a Contact may carry headers; the registrar refuses them, the parser reads them"),
    "scalar02.dat": ((A,), "a CSeq is less than 2**31"),
    "scalarlg.dat": ((S, A), "a CSeq is less than 2**31"),
    "semiuri.dat": ((S,), "semicolons are legal in the user part"),
    "trws.dat": ((A,), "nothing follows the version in a start line"),
    "unkscm.dat": ((S,), "the scheme is well formed: it is the user agent that answers 416, not the parser"),
    "unksm2.dat": ((S,), "unknown schemes in To, From and Contact are well formed"),
    "wsinv.dat": ((S,), "white space is legal in all those places"),
}  # fmt: skip


def accepted_by(parse: Callable[[bytes], object], names: tuple[str, ...], data: bytes) -> bool:
    """A witness accepts when it parses the message and every field that we read, too."""
    try:
        message = parse(data)
        for name in names:
            getattr(message, name)
    except Exception:
        return False
    return True


def witnesses(data: bytes) -> dict[str, bool]:
    common = ("via", "call_id", "cseq", "contact")
    return {
        S: accepted_by(sipmessage.Message.parse, (*common, "from_address", "to_address"), data),
        A: accepted_by(aiosipua.SipMessage.parse, (*common, "from_addr", "to_addr"), data),
    }


def refusal(data: bytes) -> int | None:
    try:
        parse_message(data)
    except MalformedMessage as fault:
        return fault.status
    return None


@pytest.mark.parametrize("name", VERDICTS)
def test_each_message_gets_its_verdict(name: str) -> None:
    assert refusal((MESSAGES / name).read_bytes()) == VERDICTS[name][1]


def test_the_table_is_the_archive() -> None:
    manifest = json.loads((MESSAGES / "MANIFEST.json").read_text())
    assert {each["file"]: each["section"] for each in manifest} == {name: row[0] for name, row in VERDICTS.items()}
    for each in manifest:
        assert hashlib.sha256((MESSAGES / each["file"]).read_bytes()).hexdigest() == each["sha256"]
        assert (VERDICTS[each["file"]][1] is None) == each["valid"]
    assert len(VERDICTS) == 50


@pytest.mark.parametrize("name", VERDICTS)
def test_the_witnesses_differ_only_where_we_know_better(name: str) -> None:
    ours = VERDICTS[name][1] is None
    differing = {witness for witness, accepted in witnesses((MESSAGES / name).read_bytes()).items() if accepted != ours}
    assert differing == set(DIFFERENT.get(name, ((), ""))[0])


@pytest.mark.parametrize("name", [name for name, (_, status) in VERDICTS.items() if status is None])
def test_an_accepted_message_survives_being_written(name: str) -> None:
    message = parse_message((MESSAGES / name).read_bytes())
    assert parse_message(serialise(message)) == message


BRANCH_CHANGED = {"intmeth.dat"}
"""sipmessage undoes %66 in a branch; a token has no escapes, and a peer compares what it sent (section 3.1.1.2)."""


@pytest.mark.parametrize("name", [name for name, row in VERDICTS.items() if row[1] is None and name not in DIFFERENT])
def test_what_all_accept_is_read_alike(name: str) -> None:
    data = (MESSAGES / name).read_bytes()
    ours, theirs = parse_message(data), sipmessage.Message.parse(data)
    others: Any = aiosipua.SipMessage.parse(data)
    assert ours.call_id == theirs.call_id == others.call_id
    assert ours.cseq.number == theirs.cseq.sequence == others.cseq.seq
    assert ours.sender.tag == theirs.from_address.parameters.get("tag") == others.from_addr.params.get("tag")
    assert ours.via.branch == others.via[0].params.get("branch")
    assert (ours.via.branch == theirs.via[0].parameters.get("branch")) == (name not in BRANCH_CHANGED)


def read(name: str) -> Request:
    message = parse_message((MESSAGES / name).read_bytes())
    assert isinstance(message, Request)
    return message


def test_tortuous_invite_is_read_right() -> None:
    """Section 3.1.1.1."""
    message = read("wsinv.dat")
    assert message.recipient.tag == "1918181833n"
    assert message.cseq.number == 9
    assert [via.branch for via in message.vias] == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]
    assert message.contacts[0].display_name == 'Quoted string ""'
    assert message.contacts[0].parameter("newparam") == "newvalue"
    assert message.headers.get("Subject") == ""
    assert message.headers.get("Route") == "<sip:services.example.com;lr;unknownwith=value;unknown-no-value>"


def test_escapes_are_undone_only_where_they_are_escapes() -> None:
    assert str(read("escnull.dat").recipient.uri) == "sip:null-%00-null@example.com"  # section 3.1.1.4
    assert read("esc02.dat").method == "RE%47IST%45R"  # section 3.1.1.5
    assert "\0" not in read("intmeth.dat").headers.get("To")  # type: ignore[operator]  # section 3.1.1.2


def test_semicolons_belong_to_the_user() -> None:
    """Section 3.1.1.9."""
    uri = read("semiuri.dat").uri
    assert str(uri) == "sip:user;par=u%40example.net@example.com"


def test_octets_after_the_length_are_noise() -> None:
    """Section 3.1.1.8: the INVITE behind the REGISTER is never seen."""
    message = read("dblreq.dat")
    assert (message.method, message.body) == ("REGISTER", b"")


def test_parameters_of_contact_and_of_its_uri_are_kept_apart() -> None:
    """Sections 3.3.12 and 3.3.13."""
    header, uri = read("cparam01.dat").contacts[0], read("cparam02.dat").contacts[0]
    assert (header.parameter("unknownparam"), header.uri.parameters) == ("", ())  # type: ignore[union-attr]  # else it fails
    assert (uri.parameter("unknownparam"), uri.uri.parameter("unknownparam")) == (None, "")  # type: ignore[union-attr]  # else it fails


def test_responses_are_read() -> None:
    no_reason = parse_message((MESSAGES / "noreason.dat").read_bytes())
    unusual = parse_message((MESSAGES / "unreason.dat").read_bytes())
    assert isinstance(no_reason, Response)
    assert isinstance(unusual, Response)
    assert (no_reason.status, no_reason.reason) == (100, "")
    assert unusual.reason.startswith("= 2**3 * 5**2")
