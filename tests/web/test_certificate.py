"""An owner gives the panel a certificate: checked, used without a new start, and taken back."""

from __future__ import annotations

import io
import re
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.sip.self_signed import self_signed
from tests.fakes.certificates import Pair, certificate_pair
from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of
from web.app import create_app
from web.own_certificate import KeyDoesNotFit, PanelCertificate, check_pair
from web.views.certificate import CERTIFICATE

PAGE = "/system/certificate"


def own(directory: Path) -> PanelCertificate:
    """As after the first start."""
    certificate, key = directory / "panel-certificate.pem", directory / "panel-key.pem"
    made, private = self_signed(("127.0.0.1",))
    certificate.write_bytes(made)
    key.write_bytes(private)
    return PanelCertificate(certificate, key, directory)


def shown_to_a_browser(panel: PanelCertificate) -> str:
    """The first certificate of a handshake, PEM."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    browser = client.wrap_bio(to_client, to_server)
    server = panel.context().wrap_bio(to_server, to_client, server_side=True)
    for side in (browser, server, browser):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return ssl.DER_cert_to_PEM_cert(browser.getpeercert(binary_form=True) or b"")


def send(browser: FlaskClient, pair: Pair, **more: str) -> tuple[int, str]:
    files = {"certificate": (io.BytesIO(pair.certificate.encode()), "fullchain.pem")}
    if pair.key:
        files["key"] = (io.BytesIO(pair.key.encode()), "privkey.pem")
    form = {"csrf_token": csrf_of(browser, PAGE), **files, **more}
    answer = browser.post(PAGE, data=form, content_type="multipart/form-data", follow_redirects=True)
    return answer.status_code, re.sub(r"&#39;", "'", answer.text)


def test_it_is_checked_used_and_taken_back(
    owner: FlaskClient, app: Flask, gateway: GatewayThread, tmp_path: Path
) -> None:
    panel = app.config[CERTIFICATE] = own(tmp_path)
    first = shown_to_a_browser(panel)
    page = owner.get(PAGE).text
    assert "created here at the first start" in page
    assert "simbridge.local" in page
    good = certificate_pair("shop.example.org", "localhost")
    for pair, said in (
        (Pair("nothing", good.key), "There is no certificate in this file."),
        (Pair(good.certificate, ""), "There is no private key in these files."),
        (Pair(good.certificate, certificate_pair("x").key), "do not belong together"),
        (certificate_pair("localhost", passphrase="word"), "the key has a passphrase"),
        (certificate_pair(), "is not for the name by which you have opened"),
        (certificate_pair("shop.example.org"), "You opened it as localhost; the certificate is for shop.example.org."),
    ):
        status, page = send(owner, pair)
        assert status == 422, said
        assert said in page
        assert panel.given is None
    assert shown_to_a_browser(panel) == first

    status, page = send(owner, good)
    assert (status, "Browsers now get the new certificate" in page) == (200, True)
    assert good.certificate.startswith(shown_to_a_browser(panel))
    assert "shop.example.org, localhost" in page
    assert "PRIVATE KEY" not in page
    given = panel.given
    assert given is not None
    assert given.stat().st_mode & 0o077 == 0
    copy = gateway.settings.uploaded_certificate.read_text()
    assert copy == good.certificate, "for the report; the key stays here"

    token = csrf_of(owner, PAGE)
    page = owner.post(PAGE + "/forget", data={"csrf_token": token}, follow_redirects=True).text
    assert "created here at the first start" in page
    assert shown_to_a_browser(panel) == first
    assert not gateway.settings.uploaded_certificate.exists()


def test_one_for_other_names_is_taken_with_open_eyes_and_over_is_over(
    owner: FlaskClient, app: Flask, tmp_path: Path
) -> None:
    panel = app.config[CERTIFICATE] = own(tmp_path)
    over = certificate_pair("localhost", ends=timedelta(hours=-1))
    assert "The certificate has expired." in send(owner, over)[1]
    assert panel.given is None
    assert send(owner, certificate_pair("*.example.org"), sure="1")[0] == 200
    assert panel.names == {"*.example.org"}


def test_the_names_of_the_given_one_are_names_of_the_panel(gateway: GatewayThread, tmp_path: Path) -> None:
    panel = own(tmp_path)
    browser = create_app(gateway.url, tls=panel).test_client()

    def status(host: str) -> int:
        return browser.get("https://localhost/login", headers={"Host": host}).status_code

    assert [status(host) for host in ("localhost", "shop.example.org", "a.example.net")] == [200, 421, 421]
    pair = certificate_pair("shop.example.org", "*.example.net")
    panel.keep(pair.certificate, pair.key, ["shop.example.org", "*.example.net"])
    hosts = ("Shop.example.org:8443", "a.example.net", "a.b.example.net", "example.net", "evil.example.org")
    assert [status(host) for host in hosts] == [200, 200, 421, 421, 421]


def test_a_given_one_that_becomes_useless_gives_way(tmp_path: Path) -> None:
    panel = own(tmp_path)
    first = shown_to_a_browser(panel)
    pair = certificate_pair("localhost")
    panel.keep(pair.certificate, pair.key, ["localhost"])
    assert shown_to_a_browser(panel) != first
    assert panel.given is not None
    panel.given.write_text("torn")
    assert shown_to_a_browser(panel) == first


def test_what_gateway_toml_names_is_not_changed_here(owner: FlaskClient, app: Flask, tmp_path: Path) -> None:
    made = own(tmp_path)
    app.config[CERTIFICATE] = PanelCertificate(made.certificate, made.key, None)
    page = owner.get(PAGE).text
    assert "from files that gateway.toml names" in page
    assert "privkey" not in page
    assert send(owner, certificate_pair("localhost"))[0] == 409
    app.config[CERTIFICATE] = None
    assert "without TLS" in owner.get(PAGE).text
    assert send(owner, certificate_pair("localhost"))[0] == 409


def test_only_pairs_fit() -> None:
    pair = certificate_pair("localhost")
    check_pair(pair.certificate, pair.key)
    with pytest.raises(KeyDoesNotFit):
        check_pair(pair.certificate, certificate_pair("localhost").key)
