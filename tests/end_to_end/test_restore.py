"""A running daemon and its worker take a backup by the API: the same processes serve what the backup holds."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from gateway.backup.make import make_backup
from gateway.demo.free_port import free_port
from gateway.settings import load_settings

PASSPHRASE = "ночь, улица, фонарь"
PASSWORD = "three unlikely words"


@pytest.mark.real_time
async def test_what_was_is_again(tmp_path: Path) -> None:
    api = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    config = tmp_path / "gateway.toml"
    (tmp_path / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    config.write_text(
        f'data_dir = "data"\n[sip]\nport = {free_port(socket.SOCK_DGRAM)}\n[api]\nbind = "{api}"\n'
        "[discovery]\nenabled = false\n"
        '[backup]\npassphrase_file = "passphrase"\n',
        encoding="utf-8",
    )
    settings = load_settings(config)
    command = [sys.executable, "-m", "gateway"]
    processes = [await asyncio.create_subprocess_exec(*command, role, "--config", config) for role in ("run", "worker")]
    try:
        async with asyncio.timeout(150), aiohttp.ClientSession(f"http://{api}/api/v1/") as client:
            await _until_served(client)
            code = (settings.data_dir / "setup-code").read_text().strip()
            owner = {"code": code, "name": "anna", "password": PASSWORD}
            async with client.post("setup", json=owner) as answer:
                signed_in = {"Authorization": f"Bearer {(await answer.json())['token']}"}
            backup = await asyncio.to_thread(make_backup, settings, config)
            boris = {"name": "boris", "password": PASSWORD, "role": "viewer"}
            async with client.post("users", json=boris, headers=signed_in) as answer:
                assert answer.status == 201
            assert await _names(client, signed_in) == ["anna", "boris"]

            async def restore(passphrase: str) -> int:
                headers = {**signed_in, "X-Backup-Passphrase": quote(passphrase)}
                async with client.put("restore", data=backup.path.read_bytes(), headers=headers) as answer:
                    return answer.status

            assert await restore("another passphrase") == 422
            assert await _names(client, signed_in) == ["anna", "boris"]
            assert await restore(PASSPHRASE) == 200
            for _ in range(200):
                if await _names(client, signed_in) == ["anna"]:
                    break
                await asyncio.sleep(0.2)
            async with client.get("calls", headers=signed_in) as answer:
                assert answer.status == 200, "the worker goes on with the store in which it reads"
        assert [process.returncode for process in processes] == [None, None]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await process.wait()
    assert [process.returncode for process in processes] == [0, 0]


async def _until_served(client: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with client.get("health") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)


async def _names(client: aiohttp.ClientSession, headers: dict[str, str]) -> list[str] | None:
    """Who may sign in; None while the daemon is away."""
    try:
        async with client.get("users", headers=headers) as answer:
            return sorted(each["name"] for each in (await answer.json())["items"]) if answer.status == 200 else None
    except aiohttp.ClientError:
        return None
