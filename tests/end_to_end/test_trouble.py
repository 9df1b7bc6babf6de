"""Bad input and broken things: one sentence each, and the rest goes on working."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.demo.site import COURIER, prepare
from tests.end_to_end.house import House, house


def simbridge(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def the_sentence(run: subprocess.CompletedProcess[str]) -> str:
    """What the command says besides its log; a traceback is never a sentence."""
    assert "Traceback" not in run.stderr
    lines = [line for line in run.stderr.splitlines() if " INFO " not in line]
    assert lines, "the command said nothing"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("command", "file", "change", "hint"),
    [
        (("run",), "gateway.toml", ("[sip]", "[sipp]"), "sip"),
        (("run", "--check"), "gateway.toml", ("port = ", "prot = "), "port"),
        (("shop", "import", "shop.toml", "--check"), "shop.toml", ("mobile", "moblie"), "mobile"),
        (("worker",), "gateway.toml", ("bind = [", "bindd = ["), "bind"),
        (("web",), "gateway.toml", ("port = ", "prot = "), "port"),
        (("shop", "import", "shop.toml"), "shop.toml", ("time_zone", "timezone"), "time_zone"),
        (("shop", "import", "shop.toml"), "shop.toml", ("mobile", "moblie"), "mobile"),
    ],
)
def test_a_wrong_key_stops_the_command_with_file_line_and_spelling(
    tmp_path: Path, command: tuple[str, ...], file: str, change: tuple[str, str], hint: str
) -> None:
    site = prepare(tmp_path, usual_ports=False)
    old, new = change
    path = tmp_path / file
    text = path.read_text(encoding="utf-8").replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    number = next(index for index, line in enumerate(text.splitlines(), 1) if new in line)
    run = simbridge(
        *(str(site.shop) if word == "shop.toml" else word for word in command), "--config", str(site.config)
    )
    assert run.returncode == 2
    sentence = the_sentence(run)
    assert f"{path}:{number}" in sentence
    assert hint in sentence.split(f":{number}", 1)[1]


def test_what_is_right_is_only_said_where_it_is_to_be_checked(tmp_path: Path) -> None:
    site = prepare(tmp_path, usual_ports=False)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for command, file in ((("run",), site.config), (("shop", "import", str(site.shop)), site.shop)):
        run = simbridge(*command, "--check", "--config", str(site.config))
        assert (run.returncode, run.stdout + run.stderr) == (0, f"The file {file} is right.\n")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_sip_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    site = prepare(tmp_path, usual_ports=False)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", site.ports.sip))
        run = simbridge("run", "--config", str(site.config))
    assert run.returncode == 1
    assert str(site.ports.sip) in the_sentence(run)
    assert len(the_sentence(run).splitlines()) == 1


def test_an_api_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    site = prepare(tmp_path, usual_ports=False)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", site.ports.api))
        holder.listen()
        run = simbridge("run", "--config", str(site.config))
    assert run.returncode == 1
    assert str(site.ports.api) in the_sentence(run)


async def courier_answers(stack: House) -> None:
    """The rest works: phone 101 reaches the courier."""
    courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
    async with stack.phone() as phone:
        await phone.register()
        call = phone.call("2001")
        async with asyncio.timeout(15):
            await call.answered()
        mobile = await courier.next_call(within=5)
        call.hang_up()
        await mobile.ended(within=5)


@pytest.mark.real_time
async def test_a_missing_modem_leaves_the_others_at_work(tmp_path: Path) -> None:
    def without_first(config: str) -> str:
        return config.replace("/m0-at", "/not-there")

    async with house(tmp_path, config=without_first) as stack:
        assert (await stack.modem_state("m0"))["state"] == "absent"
        assert (await stack.modem_state("m1"))["state"] == "ready"
        await courier_answers(stack)


@pytest.mark.real_time
async def test_a_modem_without_voice_takes_no_calls_and_the_next_line_does(tmp_path: Path) -> None:
    async with house(tmp_path) as stack:
        modem = await stack.emulator.modem("m0")
        await modem.misbehave("no_voice")
        await modem.unplug()
        await stack.until_modem("m0", "absent", "lost", within=10)
        await modem.replug()
        row = await stack.until_modem("m0", "ready", within=20)
        assert row["voice"] is False
        alerts = (await stack.api.get("/alerts"))["items"]
        assert [alert["code"] for alert in alerts] == ["no-voice"]
        before = len(await modem.commands())
        await courier_answers(stack)
        assert not [line for _, line in (await modem.commands())[before:] if line.startswith("ATD")]


@pytest.mark.real_time
async def test_a_wrong_pin_is_tried_once_and_never_again(tmp_path: Path) -> None:
    pin_file = tmp_path / "pin"
    pin_file.write_text("9999\n")
    pin_file.chmod(0o600)

    def with_pin(shop: str) -> str:
        return shop.replace('name = "red"\n', f'name = "red"\npin_file = "{pin_file}"\n')

    async with house(tmp_path / "site", shop=with_pin) as stack:
        modem = await stack.emulator.modem("m0")
        await modem.sim(pin="1234")
        for _ in range(3):
            await modem.unplug()
            await stack.until_modem("m0", "absent", "lost", within=10)
            await modem.replug()
            row = await stack.until_modem("m0", "locked", within=20)
        assert row["reason"] == "sim-locked"
        tries = [line for _, line in await modem.commands() if line.startswith("AT+CPIN=")]
        assert tries == ['AT+CPIN="9999"']
        log = (stack.site.directory / "logs" / "daemon.log").read_text()
        assert "9999" not in log
        await courier_answers(stack)


@pytest.mark.real_time
async def test_a_second_daemon_names_the_first_and_touches_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as stack:
        modem = await stack.emulator.modem("m0")
        before = len(await modem.commands())
        run = await asyncio.to_thread(simbridge, "run", "--config", str(stack.site.config))
        assert run.returncode == 1
        assert "pid" in the_sentence(run).lower() or "process" in the_sentence(run).lower()
        others = [line for _, line in (await modem.commands())[before:] if line.startswith(("ATZ", "AT+CHUP", "ATE0"))]
        assert others == []


@pytest.mark.real_time
async def test_a_modem_pulled_out_in_mid_call_ends_it_and_comes_back(tmp_path: Path) -> None:
    async with house(tmp_path) as stack:
        courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.2)
        modem = await stack.emulator.modem("m0")
        async with stack.phone() as phone:
            await phone.register()
            call = phone.call("2001")
            async with asyncio.timeout(15):
                await call.answered()
            await courier.next_call(within=5)
            await asyncio.sleep(1)
            await modem.unplug()
            async with asyncio.timeout(2):
                await call.ended()
        (row,) = await stack.ended_calls(1)
        assert row["cause"] == "modem-lost"
        await modem.replug()
        await stack.until_modem("m0", "ready", within=15)
        await courier_answers(stack)


@pytest.mark.real_time
async def test_a_shop_imported_while_the_daemon_runs_is_served_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as stack:
        text = stack.site.shop.read_text(encoding="utf-8")
        text = text.replace('name = "blue"\nmodem = "m2"', 'name = "violet"\nmodem = "m2"')
        text = text.replace('"green", "blue"]', '"green", "violet"]')
        stack.site.shop.write_text(text + '\n[[phones]]\nextension = "102"\nname = "Store"\n', encoding="utf-8")
        run = await asyncio.to_thread(
            simbridge, "shop", "import", str(stack.site.shop), "--config", str(stack.site.config)
        )
        assert run.returncode == 0, run.stderr
        assert "Phone 102 has a new password: " in run.stdout

        def is_served(snapshot: dict[str, list[dict[str, str]]]) -> bool:
            lines = {line["name"]: line["state"] for line in snapshot["lines"]}
            phones = [phone["extension"] for phone in snapshot["phones"]]
            return phones == ["101", "102"] and lines.get("violet") == "ready" and "blue" not in lines

        await stack.api.until("/snapshot", is_served, within=3)
        await courier_answers(stack)
