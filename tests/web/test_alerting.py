"""The page that says where alerts go: set, tried before one's eyes, taken away; and another try of what is missing."""

from __future__ import annotations

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.messaging.alert_trial import Tried
from gateway.telephony.alert_ways import AlertWay, MailWay, SmsWay, TelegramWay, WebhookWay
from tests.fakes.deliveries import DeliveryRow
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of

TOKEN, SECRET, PASSWORD = "12345:AAbb_CC-dd", "a-secret-that-is-shared", "not-told-to-anybody"


def _post(browser: FlaskClient, path: str, /, **form: str) -> TestResponse:
    page = "/alerts/ways"
    return browser.post(f"{page}/{path}", data={"csrf_token": csrf_of(browser, page), **form}, follow_redirects=True)


def test_each_way_is_set_and_nothing_secret_comes_back(gateway: GatewayThread, owner: FlaskClient) -> None:
    pages = [
        _post(owner, "telegram", token=TOKEN, chats="77, -100\n@flowers"),
        _post(
            owner, "mail", server="smtp.example.net:465", sender="shop@example.net", user="shop", password=PASSWORD,
            to="owner@example.net two@example.net",
        ),
        _post(owner, "sms", numbers="+79161234567", always="yes"),
        _post(owner, "webhook", url="https://shop.example/hook", secret=SECRET),
        owner.get("/alerts/ways"),
    ]  # fmt: skip
    assert [page.status_code for page in pages] == [200] * 5
    assert "Saved. Send a test" in pages[0].text
    ways = gateway.alerts.ways
    assert ways.telegram == TelegramWay(token=TOKEN, chats=("77", "-100", "@flowers"))
    assert ways.mail == MailWay(
        server="smtp.example.net:465", sender="shop@example.net", to=("owner@example.net", "two@example.net"),
        user="shop", password=PASSWORD,
    )  # fmt: skip
    assert ways.sms == SmsWay(numbers=("+79161234567",), always=True)
    assert ways.webhook == WebhookWay(url="https://shop.example/hook", secret=SECRET)
    assert not any(secret in page.text for page in pages for secret in (TOKEN, SECRET, PASSWORD))
    _post(owner, "telegram", token="", chats="77")
    assert gateway.alerts.ways.telegram == TelegramWay(token=TOKEN, chats=("77",))
    assert "Alerts are no longer sent there." in _post(owner, "telegram/remove").text
    assert gateway.alerts.ways.telegram == TelegramWay()


def test_what_is_wrong_is_told_and_what_was_typed_is_not_lost(gateway: GatewayThread, owner: FlaskClient) -> None:
    page = _post(owner, "webhook", url="ftp://shop.example/typed", secret=SECRET)
    assert page.status_code == 422
    assert 'value="ftp://shop.example/typed"' in page.text
    assert SECRET not in page.text
    assert gateway.alerts.ways.webhook == WebhookWay()
    assert _post(owner, "pigeon", url="x").status_code == 404


def test_a_test_shows_what_each_place_has_answered(gateway: GatewayThread, owner: FlaskClient) -> None:
    _post(owner, "telegram", token=TOKEN, chats="77 78")
    gateway.alerts.answers = [
        Tried(place="77"), Tried(place="78", code="delivery-refused", problem="Telegram answered 403."),
    ]  # fmt: skip
    page = _post(owner, "telegram/test").text
    assert "77: the test has arrived" in page
    assert "78: The receiver of an alert rejects it." in page
    assert "Telegram answered 403." in page
    owner.set_cookie("language", "ru")
    assert "77: проверка доставлена" in _post(owner, "telegram/test").text
    assert _post(owner, "sms/test").status_code == 409


def test_what_gateway_toml_says_is_shown_and_not_changed_here(gateway: GatewayThread, owner: FlaskClient) -> None:
    _post(owner, "webhook", url="https://shop.example/hook", secret=SECRET)
    gateway.alerts.of_file = frozenset({AlertWay.WEBHOOK})
    page = owner.get("/alerts/ways").text
    assert "This is set under [alerts] in gateway.toml" in page
    assert "/alerts/ways/webhook/remove" not in page
    assert _post(owner, "webhook", url="https://thief.example/", secret=SECRET).status_code == 409
    assert _post(owner, "webhook/remove").status_code == 409
    assert gateway.alerts.ways.webhook.url == "https://shop.example/hook"


def test_what_did_not_arrive_is_tried_again(gateway: GatewayThread, owner: FlaskClient) -> None:
    gateway.deliveries.rows = [DeliveryRow(id="j1", state="failed"), DeliveryRow(id="j2", state="done")]
    page = owner.get("/alerts").text
    assert ("/alerts/deliveries/j1/retry" in page, "/alerts/deliveries/j2/retry" in page) == (True, False)
    for delivery, told in (("j1", "It is being sent again"), ("j2", "It is being sent, or has already arrived.")):
        form = {"csrf_token": csrf_of(owner, "/alerts")}
        assert told in owner.post(f"/alerts/deliveries/{delivery}/retry", data=form, follow_redirects=True).text
    assert gateway.deliveries.rows[0].state == "waiting"
