"""What is read out of certificates, and which of them browsers would take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.doctor.certificate import judge_certificate, read_certificate
from gateway.doctor.machine import still_findings
from gateway.errors import GatewayError
from gateway.settings import Settings
from tests.fakes.certificates import certificate_pair

GOOD = certificate_pair("shop.example.org", "*.shop.example.org", "192.168.1.5")


def test_what_a_certificate_says_of_itself() -> None:
    found = read_certificate("a remark\n" + GOOD.key + GOOD.certificate)
    assert found.names == ("shop.example.org", "*.shop.example.org", "192.168.1.5")
    assert (found.issuer, found.is_self_signed) == ("Test Authority", False)
    assert found.begins_at < datetime.now(UTC) < found.ends_at
    assert len(found.sha256) == 64
    assert found.pem == GOOD.certificate, "and nothing else that was in the text"
    assert judge_certificate(GOOD.certificate, datetime.now(UTC)) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "certificate-unreadable"),
        (GOOD.key, "certificate-unreadable"),
        (GOOD.certificate[:300], "certificate-unreadable"),
        (GOOD.certificate.replace("MII", "MIX", 1), "certificate-unreadable"),
        (certificate_pair("x.org", ends=timedelta(hours=-1)).certificate, "certificate-over"),
        (certificate_pair("x.org", begins=timedelta(hours=30)).certificate, "certificate-too-early"),
        (certificate_pair().certificate, "certificate-nameless"),
        (GOOD.certificate + certificate_pair("x.org").certificate, "certificate-chain-broken"),
    ],
)
def test_what_browsers_would_not_take(text: str, code: str) -> None:
    with pytest.raises(GatewayError) as refused:
        judge_certificate(text, datetime.now(UTC))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (timedelta(days=90), "certificate-good"),
        (timedelta(days=9), "certificate-expires"),
        (timedelta(hours=-1), "certificate-expired"),
    ],
)
def test_the_report_says_when_the_given_one_ends(tmp_path: Path, ends: timedelta, code: str) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.uploaded_certificate.parent.mkdir()
    settings.uploaded_certificate.write_text(certificate_pair("x.org", ends=ends).certificate)
    path = str(settings.uploaded_certificate)
    found = [each.code for each in still_findings(settings, root=tmp_path) if each.values.get("path") == path]
    assert found == [code]
