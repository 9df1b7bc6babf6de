"""What the doctor says of codecs and encrypted media."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.audio import opus
from gateway.doctor import Finding, Severity, findings
from gateway.messages import finding_text
from gateway.settings import DiscoverySettings, Settings, SipSettings
from gateway.store.shop_document.shop_commands import import_shop


def said(settings: Settings) -> list[Finding]:
    return [finding for finding in findings(settings) if finding.code.startswith(("opus-", "srtp-"))]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    nothing = DiscoverySettings(sysfs=str(tmp_path / "sys"), devices=str(tmp_path / "dev"))
    return Settings(data_dir=tmp_path / "data", discovery=nothing)


def test_opus_is_there_or_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(each.code, each.severity) for each in said(settings)] == [("opus-installed", Severity.GOOD)]
    monkeypatch.setattr(opus, "LIBRARY", "libopus-that-is-not-there.so.0")
    opus.is_installed.cache_clear()
    opus._library.cache_clear()
    try:
        (missing,) = said(settings)
    finally:
        opus.is_installed.cache_clear()
        opus._library.cache_clear()
    assert (missing.code, missing.severity) == ("opus-missing", Severity.WARNING)
    assert "libopus0" in (finding_text(missing.code, "ru", missing.values)[1] or "")


def test_keys_that_travel_in_the_clear_are_told(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text('[[phones]]\nextension = "101"\nsrtp = "required"\n[[phones]]\nextension = "102"\n')
    settings.data_dir.mkdir()
    import_shop(settings, file)
    found = [each for each in said(settings) if each.code == "srtp-without-tls"]
    assert [(each.severity, each.values) for each in found] == [(Severity.WARNING, {"name": "101"})]
    with_tls = replace(settings, sip=SipSettings(tls_port=5061))
    assert "srtp-without-tls" not in [each.code for each in said(with_tls)]
