"""Setting up a phone from the panel: the page, its QR code, and the door where phones fetch their files."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from html import unescape

import pytest
from flask.testing import FlaskClient

from gateway.events import ShopChanged
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of, sign_in
from web.app import create_app
from web.gateway_client import GatewayClient
from web.phone_files import MOST_AT_ONCE, PhoneFiles

pytestmark = pytest.mark.real_time


@pytest.fixture
def files(gateway: GatewayThread) -> Iterator[PhoneFiles]:
    """The door for phones, on loopback."""
    door = PhoneFiles("127.0.0.1:0", GatewayClient(gateway.url))
    door.start()
    yield door
    door.shutdown()
    door.server_close()


@pytest.fixture
def browser(gateway: GatewayThread, files: PhoneFiles) -> FlaskClient:
    """The owner's."""
    client = create_app(gateway.url, phone_files_port=files.server_port).test_client()
    sign_in(client)
    return client


def opened(browser: FlaskClient) -> tuple[str, str]:
    """The page after the button, and the place of the files on it."""
    answer = browser.post("/phones/101/setup", data={"csrf_token": csrf_of(browser, "/phones/101/setup")})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    match = re.search(r"<code>http://[^/]+(/[\w-]{32}/)</code>", unescape(answer.text))
    assert match is not None
    return answer.text, match[1]


def fetch(files: PhoneFiles, path: str, *, method: str = "GET", host: str = "") -> tuple[int, str, str]:
    """Status, media type and text, as a phone gets them."""
    with closing(http.client.HTTPConnection("127.0.0.1", files.server_port, timeout=20)) as connection:
        connection.request(method, path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        assert "Python" not in (answer.getheader("Server") or "")
        return answer.status, (answer.getheader("Content-Type") or "").partition(";")[0], answer.read().decode()


def test_the_page_shows_a_code_and_addresses_that_work(browser: FlaskClient, files: PhoneFiles) -> None:
    page, place = opened(browser)
    assert '<img src="data:image/svg+xml' in page
    assert "style=" not in page
    assert f"http://localhost:{files.server_port}{place}linphone.xml" in page
    status, media_type, text = fetch(files, place + "linphone.xml", host="192.168.1.5:8081")
    assert (status, media_type) == (200, "application/xml")
    assert "not-told-to-anybody" in text
    assert "192.168.1.5:5060" in text
    status, media_type, text = fetch(files, place + "805ec0a1b2c3.cfg")
    assert (status, media_type) == (200, "text/plain")
    book = re.search(r"remote_phonebook.data.1.url = http://[^/]+(/\S+)", text)
    assert book is not None
    assert "<Telephone>2001</Telephone>" in fetch(files, book[1])[2]
    assert fetch(files, place + "linphone.xml", method="HEAD") == (200, "application/xml", "")


def test_closing_ends_it(browser: FlaskClient, files: PhoneFiles) -> None:
    page, place = opened(browser)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    for _ in range(2):
        answer = browser.post("/phones/101/setup/close", data={"csrf_token": token[1]}, follow_redirects=True)
        assert "can no longer be downloaded" in answer.text
    assert fetch(files, place + "linphone.xml")[0] == 404


@pytest.mark.parametrize(
    "path", ["/", "/x/linphone.xml", "/../gateway.toml", "/api/v1/snapshot", "/" + "x" * 32 + "/linphone.xml"]
)
def test_the_door_serves_nothing_else(files: PhoneFiles, path: str) -> None:
    assert fetch(files, path) == (404, "text/plain", "")


def test_a_host_that_could_not_be_written_into_a_file_is_refused(browser: FlaskClient, files: PhoneFiles) -> None:
    _, place = opened(browser)
    assert fetch(files, place + "linphone.xml", host="x/<b>")[0] == 404


def test_without_the_door_the_page_says_what_to_do(owner: FlaskClient) -> None:
    page = owner.get("/phones/101/setup")
    assert "phones = &#34;lan:8081&#34;" in page.text or 'phones = "lan:8081"' in page.text
    assert owner.post("/phones/101/setup", data={"csrf_token": csrf_of(owner, "/")}).status_code == 404
    assert owner.get("/phones/999/setup").status_code == 404


def test_idle_connections_do_not_keep_phones_out_for_ever(files: PhoneFiles) -> None:
    idle = [http.client.HTTPConnection("127.0.0.1", files.server_port, timeout=20) for _ in range(MOST_AT_ONCE + 4)]
    for each in idle:
        each.connect()
    for each in idle:
        each.close()
    deadline = time.monotonic() + 15
    while True:
        try:
            assert fetch(files, "/")[0] == 404
            return
        except (http.client.HTTPException, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_card_of_a_phone_says_what_it_wants_done_with_its_calls(owner: FlaskClient, gateway: GatewayThread) -> None:
    page = owner.get("/phones").text
    assert "Do not disturb" not in page
    assert "Forwarded" not in page
    phone = replace(gateway.shop.phones[0], do_not_disturb=True, forward_busy="2001", forward_no_answer="+79161234567")
    gateway.shop = replace(gateway.shop, phones=(phone,))
    gateway.publish(ShopChanged(by="phone 101"))
    page = owner.get("/phones").text
    assert "Do not disturb" in page
    assert "Forwarded when busy" in page
    assert "Forwarded without an answer" in page
    assert "Forwarded always" not in page
