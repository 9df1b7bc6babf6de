"""What the daemon may have root do, and what udev does with modems: the files, judged by the tools that read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway import cli
from gateway.modem.discovery_table import MODEM_VENDORS

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = "simbridge-usb-power@.service"
MANAGE = "org.freedesktop.systemd1.manage-units"
GOOD = "simbridge-usb-power@1-1.4.service"

# What polkit gives a rule, as far as ours asks for it; the engine is the one that polkit itself uses.
POLKIT = """
var rules = [];
var polkit = {addRule: function (rule) { rules.push(rule); }, Result: {YES: "yes", NOT_HANDLED: null}};
"""
ASK = """
print(JSON.stringify(cases.map(function (each) {
    var action = {id: each.id, lookup: function (key) { return each[key]; }};
    return rules[0](action, {user: each.user});
})));
"""


def judged(cases: list[dict[str, str]], tmp_path: Path) -> list[str | None]:
    program = shutil.which("duk")
    assert program is not None, "install the Debian package duktape"
    script = tmp_path / "rule.js"
    rule = (SYSTEMD / "simbridge-polkit.rules").read_text(encoding="utf-8")
    script.write_text(f"{POLKIT}{rule}\nvar cases = {json.dumps(cases)};\n{ASK}", encoding="utf-8")
    said = subprocess.run([program, str(script)], capture_output=True, text=True, check=True).stdout
    verdicts: list[str | None] = json.loads(said)
    return verdicts


def test_the_daemon_may_start_that_one_unit_and_do_nothing_else(tmp_path: Path) -> None:
    good = {"id": MANAGE, "user": "simbridge", "verb": "start", "unit": GOOD}
    others = [
        {**good, "user": "simbridge-web"},
        {**good, "user": "pi"},
        {**good, "id": "org.freedesktop.systemd1.manage-unit-files"},
        {**good, "id": "org.freedesktop.login1.reboot"},
        *({**good, "verb": verb} for verb in ("stop", "restart", "reload", "kill", "set-property")),
        *(
            {**good, "unit": unit}
            for unit in (
                "ssh.service",
                "simbridge-usb-power@.service",
                "simbridge-usb-power@1-1.4.service.d",
                "simbridge-usb-power@usb1.service",
                "simbridge-usb-power@1-1.4\n.service",
                "simbridge-usb-power@1-1.4.service\nx.service",
                "simbridge-usb-power@..-1.service",
                "x-simbridge-usb-power@1-1.4.service",
                "simbridge-usb-power@1-1.4.target",
            )
        ),
    ]
    verdicts = judged([good, {**good, "unit": "simbridge-usb-power@3-2.service"}, *others], tmp_path)
    assert verdicts == ["yes", "yes", *[None] * len(others)]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    text = (SYSTEMD / UNIT).read_text(encoding="utf-8")
    assert "ExecStart=/usr/bin/simbridge usb-power %i\n" in text
    file = tmp_path / UNIT
    file.write_text(text.replace("/usr/bin/simbridge ", "/bin/true "), encoding="utf-8")
    return file


def test_the_unit_is_understood_and_may_do_little(unit: Path) -> None:
    for arguments in (("verify", "--man=no"), ("security", "--offline=1", "--threshold=25", "--no-pager")):
        verdict = subprocess.run(
            ["systemd-analyze", *arguments, str(unit)], capture_output=True, text=True, check=False
        )
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        assert "usb-power" not in verdict.stderr, verdict.stderr


def test_the_command_of_the_unit_refuses_what_is_no_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["usb-power", "../../etc"]) == 1
    assert "no place" in capsys.readouterr().err


def test_udev_knows_the_makers_that_we_know() -> None:
    text = (SYSTEMD / "70-simbridge-modem.rules").read_text(encoding="utf-8")
    lists = re.findall(r'ATTRS?\{idVendor\}!="([^"]+)"', text)
    assert len(lists) == 2
    for each in lists:
        assert each.split("|") == [f"{vendor:04x}" for vendor in MODEM_VENDORS]
    assert text.count('ENV{ID_MM_DEVICE_IGNORE}="1"') == 2
    assert set(re.findall(r'GOTO="(\w+)"', text)) == set(re.findall(r'LABEL="(\w+)"', text))


def test_udev_reads_the_rules() -> None:
    """`udevadm verify` is there since systemd 254; an older machine checks the form of each line alone."""
    file = SYSTEMD / "70-simbridge-modem.rules"
    part = r'[A-Z_]+(?:\{[A-Za-z_/]+\})?(?:==|!=|\+=|=)"[^"]*"'
    for line in file.read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#") or re.fullmatch(rf"{part}(?:, {part})*", line), line
    program = shutil.which("udevadm")
    if (
        program is not None
        and "verify" in subprocess.run([program, "--help"], capture_output=True, text=True, check=False).stdout
    ):
        verdict = subprocess.run([program, "verify", str(file)], capture_output=True, text=True, check=False)
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
