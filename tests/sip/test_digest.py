"""Digest against the examples of the RFCs, and our client against our server and against odd ones."""

from __future__ import annotations

import pytest

from gateway.sip.digest import Checked, DigestClient, DigestServer, Verdict
from gateway.sip.guard import ACCOUNT_FAILURES, Guard
from gateway.sip.headers import parse_authentication
from gateway.sip.message import Headers, Request, Response
from gateway.sip.uri import SipUri

NOW = [0.0]


def server() -> DigestServer:
    NOW[0] = 100.0
    return DigestServer(lambda: NOW[0], {"101": "secret", "empty": ""}.get)


def challenge(digest: DigestServer, source: str = "10.0.0.1", agent: str = "") -> Response:
    response = Response(Headers(), status=401, reason="Unauthorized")
    digest.challenge(response, source, agent=agent)
    return response


def request(value: tuple[str, str] | None, method: str = "REGISTER") -> Request:
    headers = Headers() if value is None else Headers([value])
    return Request(headers, method=method, uri=SipUri("example.com"))


def test_the_client_computes_what_rfc_7616_says() -> None:
    """Section 3.9.1, both algorithms; the client's own nonce is put in place."""
    text = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    expected = {
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
    }
    for algorithm, answer in expected.items():
        response = Response(Headers([("WWW-Authenticate", text.format(algorithm))]), status=401, reason="-")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.sip.digest.secrets.token_hex", lambda _size: cnonce)
            field = DigestClient("Mufasa", "Circle of Life").answer(response, "GET", "/dir/index.html")
        assert field is not None
        values = parse_authentication(field[1])
        assert values.get("response") == answer
        assert values.get("opaque") == "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


def test_our_client_and_server_agree_on_the_better_algorithm() -> None:
    digest = server()
    client = DigestClient("101", "secret")
    first = challenge(digest)
    field = client.answer(first, "REGISTER", "sip:example.com")
    assert field is not None
    assert "algorithm=SHA-256" in field[1]
    assert digest.check(request(field), "10.0.0.1") == Checked(Verdict.ACCEPTED, "101")
    second = client.answer(first, "REGISTER", "sip:example.com")
    assert second is not None
    assert "nc=00000002" in second[1]
    assert digest.check(request(second), "10.0.0.1").verdict is Verdict.ACCEPTED
    assert digest.check(request(second), "10.0.0.1").verdict is Verdict.STALE


@pytest.mark.parametrize(
    ("user", "password", "source", "method", "verdict"),
    [
        ("101", "secret", "10.0.0.1", "REGISTER", Verdict.ACCEPTED),
        ("101", "wrong", "10.0.0.1", "REGISTER", Verdict.WRONG),
        ("nobody", "secret", "10.0.0.1", "REGISTER", Verdict.WRONG),
        ("101", "secret", "10.0.0.2", "REGISTER", Verdict.ABSENT),
        ("101", "secret", "10.0.0.1", "INVITE", Verdict.WRONG),
    ],
)
def test_verdicts(user: str, password: str, source: str, method: str, verdict: Verdict) -> None:
    digest = server()
    field = DigestClient(user, password).answer(challenge(digest), "REGISTER", "sip:x")
    assert digest.check(request(field, method), source).verdict is verdict


def test_a_nonce_lives_for_a_minute() -> None:
    digest = server()
    client = DigestClient("101", "secret")
    first = challenge(digest)
    NOW[0] += 59
    assert digest.check(request(client.answer(first, "REGISTER", "sip:x")), "10.0.0.1").verdict is Verdict.ACCEPTED
    NOW[0] += 2
    assert digest.check(request(client.answer(first, "REGISTER", "sip:x")), "10.0.0.1").verdict is Verdict.STALE


def test_another_server_knows_nothing_of_our_nonces() -> None:
    field = DigestClient("101", "secret").answer(challenge(server()), "REGISTER", "sip:x")
    assert server().check(request(field), "10.0.0.1").verdict is Verdict.ABSENT


def test_old_programs_get_md5_alone() -> None:
    """docs/decisions/digest-order.md."""
    for agent, names in (
        ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),
        ("baresip v3.16.0", ["MD5", "SHA-256"]),
        ("", ["MD5", "SHA-256"]),
    ):
        offered = challenge(server(), agent=agent).challenges()
        assert [each.get("algorithm") for _, each in offered] == names


@pytest.mark.parametrize(
    "text",
    ["Basic realm=x", 'Digest realm="x", nonce="y", algorithm=SHA-512-256', 'Digest realm="x"', "Digest", 'Digest a="'],
)
def test_a_challenge_that_cannot_be_answered_is_none(text: str) -> None:
    response = Response(Headers([("WWW-Authenticate", text)]), status=401, reason="-")
    assert DigestClient("u", "p").answer(response, "REGISTER", "sip:x") is None


def test_a_challenge_of_the_old_form_is_answered_in_the_old_form() -> None:
    response = Response(Headers([("Proxy-Authenticate", 'Digest realm="x", nonce="y"')]), status=407, reason="-")
    field = DigestClient("u", "p").answer(response, "INVITE", "sip:x")
    assert field is not None
    assert field[0] == "Proxy-Authorization"
    assert "qop" not in field[1]


def test_the_guard_bans_by_steps_and_forgets_nothing_too_early() -> None:
    now = [0.0]
    guard = Guard(lambda: now[0])
    for minutes in (1, 5, 30, 24 * 60, 24 * 60):
        assert [guard.has_failed("10.0.0.1", "101") for _ in range(5)] == [0.0] * 4 + [60.0 * minutes]
        assert guard.is_banned("10.0.0.1")
        now[0] += 60 * minutes - 1
        assert not guard.admits("10.0.0.1")
        now[0] += 2
        assert guard.admits("10.0.0.1")


def test_an_account_that_is_guessed_at_from_everywhere_is_open_to_bound_hosts_only() -> None:
    """T-S1: 100 addresses, four guesses each."""
    now = [0.0]
    guard = Guard(lambda: now[0])
    for number in range(ACCOUNT_FAILURES):
        assert guard.may_log_in("101", bound=False)
        assert not guard.has_failed(f"10.0.1.{number}", "101")
    assert not guard.may_log_in("101", bound=False)
    assert guard.may_log_in("101", bound=True)
    assert guard.may_log_in("102", bound=False)
    now[0] += 3601
    assert guard.may_log_in("101", bound=False)


def test_the_guards_memory_is_bounded_and_keeps_bans() -> None:
    guard = Guard(lambda: 0.0)
    for _ in range(5):
        guard.has_failed("10.0.0.1", "101")
    for number in range(12_000):
        guard.admits(f"10.1.{number >> 8}.{number & 255}")
    assert len(guard._sources) == 10_000
    assert guard.is_banned("10.0.0.1")


def test_the_guard_forgets_who_only_passed_by() -> None:
    """T-S11: after a flood nothing is kept of it; bans, failures and who was let in stay for as long as they count."""
    now = [0.0]
    guard = Guard(lambda: now[0])
    for _ in range(5):
        guard.has_failed("10.0.0.1", "101")
    guard.has_failed("10.0.0.2", "102")
    guard.has_succeeded("10.0.0.3")
    for number in range(3_000):
        guard.admits(f"10.1.{number >> 8}.{number & 255}")
    for _ in range(30):
        now[0] += 2
        guard.tidy()
    assert set(guard._sources) == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    assert set(guard._account_failures) == {"101", "102"}
    now[0] += 3_600
    guard.tidy()
    assert set(guard._sources) == {"10.0.0.1"}, "how often it was banned counts for a day"
    assert not guard._account_failures
    assert [guard.has_failed("10.0.0.1", "101") for _ in range(5)][-1] == 300.0


def flooded(guard: Guard, now: list[float], seconds: float, addresses: int) -> int:
    """A thousand packets a second from so many addresses; how many of them were heard."""
    heard = 0
    for count in range(round(1_000 * seconds)):
        now[0] += 0.001
        number = count % addresses
        heard += guard.admits(f"10.1.{number >> 8}.{number & 255}")
    return heard


def test_who_comes_for_the_first_time_is_heard_in_the_midst_of_a_flood() -> None:
    """T-S11: all strangers together get no more than before, but a new phone need not wait for them."""
    now = [0.0]
    guard = Guard(lambda: now[0])
    heard = flooded(guard, now, 10, 200)
    for number in range(50):
        assert [guard.admits(f"10.2.0.{number}") for _ in range(4)] == [True] * 4
        heard += 4 + flooded(guard, now, 0.5, 200)
    assert heard <= 400 + now[0] * 200
    assert sum(guard.admits("10.2.0.1") for _ in range(40)) <= 6, "who stays a stranger is one of the flood"
