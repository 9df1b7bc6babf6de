"""gateway.toml: everything that is wrong is said at once, with its line and the right spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.bind_address import host_and_port
from gateway.errors import SettingsError
from gateway.settings import ModemSettings, Settings, TlsFiles, load_settings

WHOLE = """
data_dir = "data"
[sip]
bind = ["lan", "eth0", "10.0.0.1"]
port = 5070
rtp_ports = [20000, 20999]
tls_port = 5071
allow = ["198.51.100.0/24", "2001:db8::/32"]
tls_certificate = "tls/ours.pem"
tls_key = "/etc/ours.key"
[api]
bind = "127.0.0.1:9090"
[web]
bind = "lan:8443"
[[modems]]
name = "m0"
at = "/dev/ttyUSB2"
voice = "/dev/ttyUSB1"
dialect = "huawei"
[[modems]]
name = "m1"
at = "/dev/ttyUSB5"
"""


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "gateway.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def errors(tmp_path: Path, text: str) -> list[str]:
    """The error lines, without the directory."""
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text)
    return [line.removeprefix(str(tmp_path) + "/") for line in str(error.value).splitlines()]


def test_a_whole_file(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert settings.data_dir == tmp_path / "data"
    assert settings.sip.bind == ("lan", "eth0", "10.0.0.1")
    assert (settings.sip.port, settings.sip.rtp_ports) == (5070, (20000, 20999))
    assert settings.sip.tls_port == 5071
    assert settings.sip.allow == ("198.51.100.0/24", "2001:db8::/32")
    assert settings.sip_tls == TlsFiles(tmp_path / "tls/ours.pem", Path("/etc/ours.key"), is_self_made=False)
    assert (settings.api.bind, settings.web.bind) == ("127.0.0.1:9090", "lan:8443")
    assert settings.modems == (
        ModemSettings(name="m0", at="/dev/ttyUSB2", voice="/dev/ttyUSB1", dialect="huawei"),
        ModemSettings(name="m1", at="/dev/ttyUSB5"),
    )


def test_the_least_file(tmp_path: Path) -> None:
    assert load(tmp_path, 'data_dir = "/var/lib/simbridge"') == Settings(data_dir=Path("/var/lib/simbridge"))
    assert load(tmp_path, '\ufeffdata_dir = "x"').data_dir == tmp_path / "x"


def test_all_errors_at_once_with_lines_and_spellings(tmp_path: Path) -> None:
    text = """\
data_dri = "data"
[sip]
bind = "lan"
prot = 5060
port = "5060"
rtp_ports = [1, 2, 3]
[api]
bind = "0.0.0.0:8090"
[wbe]
[[modems]]
name = "m0"
at = "/dev/a"
dialect = "huawai"
[[modems]]
name = "m0"
voice = "/dev/b"
[[modems]]
name = "m0"
at = "/dev/a"
voice = 7
"""
    assert errors(tmp_path, text) == [
        'gateway.toml:1: "data_dri" is not a setting of this file; did you mean "data_dir"?',
        'gateway.toml:3: "bind" of [sip] must be a list, not text.',
        'gateway.toml:4: "prot" is not a setting of [sip]; did you mean "port"?',
        'gateway.toml:5: "port" of [sip] must be a whole number, not text.',
        'gateway.toml:6: "rtp_ports" of [sip] must be a list of 2 values, not of 3.',
        'gateway.toml:8: "bind" of [api] must be an address of this machine alone (127.0.0.1), not "0.0.0.0".',
        'gateway.toml:9: "wbe" is not a setting of this file; did you mean "web"?',
        (
            'gateway.toml:13: "dialect" of [[modems]] must be one of auto, huawei, quectel, simcom, generic, '
            'not "huawai". Did you mean "huawei"?'
        ),
        'gateway.toml:14: [[modems]] needs "at".',
        'gateway.toml:18: There are two modems with the name "m0".',
        'gateway.toml:19: The port "/dev/a" is used twice.',
        'gateway.toml:20: "voice" of [[modems]] must be text in quotes, not a number.',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'This file needs "data_dir".'),
        ("data_dir = 5", '"data_dir" must be text in quotes, not a number.'),
        ('data_dir = "d"\nsip = 5', '"sip" must be a table, not a number.'),
        ('data_dir = "d"\nsip = { port = true }', '"port" of [sip] must be a whole number, not true or false.'),
        ('data_dir = "d"\nsip.port = 0', '"port" of [sip] must be between 1 and 65535.'),
        (
            'data_dir = "d"\n[sip]\nport = 5060.0',
            '"port" of [sip] must be a whole number, not a number with a decimal point.',
        ),
        (
            'data_dir = "d"\n[sip]\nbind = []',
            '"bind" of [sip] must name at least one address, one interface, or "lan".',
        ),
        (
            'data_dir = "d"\n[sip]\nallow = ["198.51.100.7/24"]',
            '"allow" of [sip] must hold networks like "198.51.100.0/24", not "198.51.100.7/24".',
        ),
        ('data_dir = "d"\n[sip]\nbind = [1]', '"bind" of [sip] must be text in quotes, not a number.'),
        (
            'data_dir = "d"\n[sip]\nrtp_ports = [20000, 10000]',
            '"rtp_ports" of [sip] must be two ports, the lower first, from 1024 to 65535.',
        ),
        ('data_dir = "d"\n[web]\nbind = "8080"', '"bind" of [web] must be like "127.0.0.1:8080", not "8080".'),
        ('data_dir = "d"\n[web]\nbind = ":8080"', '"bind" of [web] must be like "127.0.0.1:8080", not ":8080".'),
        ('data_dir = "d"\n[web]\nbind = "lan:x"', '"bind" of [web] must be like "127.0.0.1:8080", not "lan:x".'),
        ('data_dir = "d"\nmodems = "m0"', '"modems" must be a list, not text.'),
        ('data_dir = "d"\nmodems = ["m0"]', '"modems" must be a table, headed [[modems]], not text.'),
        (
            'data_dir = "d"\n[alerts]\nwebhook = "example.net"\nwebhook_secret_file = "s"',
            '"webhook" of [alerts] must be an address like "https://example.net/x".',
        ),
        (
            'data_dir = "d"\n[alerts]\nwebhook = "https://example.net/x"',
            '[alerts] needs both or none of "webhook" and "webhook_secret_file".',
        ),
        (
            'data_dir = "d"\n[alerts]\ntelegram_token_file = "t"',
            '[alerts] needs both or none of "telegram_token_file" and "telegram_chats".',
        ),
        (
            'data_dir = "d"\n[alerts]\ntelegram_token_file = "t"\ntelegram_chats = ["my chat"]',
            '"telegram_chats" of [alerts] holds ids like "123456", not "my chat".',
        ),
        (
            'data_dir = "d"\n[alerts]\nmail_to = ["owner@example.net"]',
            '[alerts] needs all or none of "mail_to", "mail_server" and "mail_from".',
        ),
        (
            'data_dir = "d"\n[alerts]\nmail_to = ["o@example.net"]\nmail_server = "mail:465"\nmail_from = "me"',
            '"mail_from" of [alerts] holds "name@example.net", not "me".',
        ),
        (
            'data_dir = "d"\n[alerts]\nmail_to = ["o@a.net"]\nmail_server = "mail"\nmail_from = "me@a.net"',
            '"mail_server" of [alerts] must be like "127.0.0.1:8080", not "mail".',
        ),
        (
            'data_dir = "d"\n[alerts]\nmail_user = "shop"',
            '[alerts] needs both or none of "mail_user" and "mail_password_file".',
        ),
        ('data_dir = "d"\n[[modems]]\nname = ""\nat = "/dev/a"', '"name" of [[modems]] must not be empty.'),
        ('data_dir = "d"\n[[modems]]\nname = "m"\nat = ""', '"at" of [[modems]] must not be empty.'),
        (
            'data_dir = "d"\nnonsense = 1',
            (
                '"nonsense" is not a setting of this file; it has: '
                "data_dir, sip, api, web, modems, discovery, backup, safe_mode, alerts, webhooks, emulated, mqtt, "
                "outside, replication."
            ),
        ),
    ],
)
def test_one_error(tmp_path: Path, text: str, said: str) -> None:
    (error,) = errors(tmp_path, text)
    assert error.endswith(": " + said)


def test_what_is_no_toml_at_all(tmp_path: Path) -> None:
    (error,) = errors(tmp_path, 'data_dir = "d"\n[sip\nport = 1\n')
    assert error.startswith("gateway.toml:2: ")
    (tmp_path / "gateway.toml").write_bytes(b'data_dir = "\xff"')
    with pytest.raises(SettingsError, match="not UTF-8 text"):
        load_settings(tmp_path / "gateway.toml")
    with pytest.raises(SettingsError, match="cannot be read: no such file or directory"):
        load_settings(tmp_path / "missing.toml")
    with pytest.raises(SettingsError, match="cannot be read: is a directory"):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    ("bind", "parts"),
    [("127.0.0.1:1", ("127.0.0.1", 1)), ("[::1]:8090", ("::1", 8090)), ("lan:0", ("lan", 0))],
)
def test_host_and_port(bind: str, parts: tuple[str, int]) -> None:
    assert host_and_port(bind) == parts


@pytest.mark.parametrize("bind", ["::1:8090", "host", "host:", "host:65536", "host:-1", "host:٣", "[]:1"])
def test_what_is_no_host_and_port(bind: str) -> None:
    with pytest.raises(ValueError, match=r"IPv6|host"):
        host_and_port(bind)
