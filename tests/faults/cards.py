"""X-P6 and X-P7 with a whole gateway: a card whose every sync takes two seconds, and how much a card is written to.

Named to `make soak` alone: both take minutes of real time.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gateway.demo.judge import judge
from gateway.demo.site import COURIER, prepare
from gateway.emulator.client import RemoteCall, running_emulator
from gateway.emulator.demo_people import COURIER_VOICE
from gateway.emulator.sip_call import PhoneCall
from gateway.emulator.sip_phone import SipPhone
from gateway.emulator.sound import load_wav
from gateway.settings import load_settings
from gateway.store.shop_document.shop_commands import import_shop
from tests import crash
from tests.crash.power import Operation, read_log
from tests.end_to_end.house import House, house
from tests.faults import rounds
from tests.faults.stops import daemon

pytestmark = pytest.mark.real_time

TALK_SECONDS = rounds(20, 120)
IDLE_SECONDS = rounds(20, 300)
MOST_SYNCS = 70
"""In a minute of a recorded call."""
MOST_IDLE_BYTES = 5_000_000
"""In a day."""
DAY_SECONDS = 86_400
START_SECONDS = 90.0
"""TimeoutStartSec of the unit."""


@pytest.fixture
def preload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes every process that is started from here on load what a source in C comes to."""

    def load(source: Path) -> None:
        library = tmp_path / f"{source.stem}.so"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl", "-lpthread"], check=True)
        monkeypatch.setenv("LD_PRELOAD", str(library))

    return load


async def talking(stack: House, phone: SipPhone) -> tuple[PhoneCall, RemoteCall]:
    """The phone has called the courier, who has picked up."""
    courier = await stack.emulator.subscriber(COURIER, when_called="answer", ring_seconds=0.1)
    call = phone.call("2001")
    mobile = await courier.next_call(within=60)
    async with asyncio.timeout(30):
        await call.answered()
    return call, mobile


@pytest.mark.timeout(240)
async def test_a_card_that_takes_two_seconds_for_each_sync_is_not_heard(
    tmp_path: Path, preload: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    preload(Path(__file__).with_name("slow_disk.c"))
    monkeypatch.setenv("SLOW_BELOW", str(tmp_path / "site" / "data"))
    slow = tmp_path / "slow"
    monkeypatch.setenv("SLOW_WHILE", str(slow))
    async with house(tmp_path / "site") as stack, stack.phone() as phone:
        await phone.register()
        slow.touch()
        call, mobile = await talking(stack, phone)
        said = np.array(load_wav(COURIER_VOICE), dtype=np.int16)
        await asyncio.sleep(1)
        await mobile.speak(COURIER_VOICE)
        await asyncio.sleep(1)
        heard = np.frombuffer(call.heard(), dtype="<i2").astype(np.int16)
        verdict = judge(said, heard)
        print(f"every sync takes 2 s: {verdict}")
        assert verdict.good
        call.hang_up()
        await mobile.ended(within=20)
        await stack.ended_calls(1, within=60)


@pytest.mark.timeout(300)
async def test_a_start_on_such_a_card_is_in_time(
    tmp_path: Path, preload: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The unit gives a start 90 s; the second start is what an owner has every day, the first makes the store."""
    site = prepare(tmp_path / "site", notice="none", usual_ports=False)
    import_shop(load_settings(site.config), site.shop)
    preload(Path(__file__).with_name("slow_disk.c"))
    monkeypatch.setenv("SLOW_BELOW", str(site.data))
    slow = tmp_path / "slow"
    monkeypatch.setenv("SLOW_WHILE", str(slow))
    slow.touch()
    async with running_emulator(site.emulator, modems=["huawei", "quectel", "simcom"]):
        for name in ("first", "second"):
            began = time.monotonic()
            process = await daemon(site)
            try:
                seconds = time.monotonic() - began
                print(f"every sync takes 2 s: the {name} start took {seconds:.1f} s")
                assert seconds < START_SECONDS
            finally:
                process.kill()
                await process.wait()


@pytest.mark.timeout(600)
async def test_how_much_a_card_is_written_to(
    tmp_path: Path, preload: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    preload(Path(crash.__file__).with_name("disk_log.c"))
    monkeypatch.setenv("DISK_LOG", str(log))
    monkeypatch.setenv("DISK_LOG_BELOW", str(tmp_path / "site" / "data"))
    async with house(tmp_path / "site") as stack, stack.phone() as phone:
        await phone.register()
        await asyncio.sleep(5)
        before = len(read_log(log))
        await asyncio.sleep(IDLE_SECONDS)
        idle = read_log(log)[before:]
        call, mobile = await talking(stack, phone)
        await asyncio.sleep(2)
        before = len(read_log(log))
        await asyncio.sleep(TALK_SECONDS)
        talk = read_log(log)[before:]
        call.hang_up()
        await mobile.ended(within=20)
    syncs = sum(each.what == "S" for each in talk) * 60 / TALK_SECONDS
    a_day = written(idle) * DAY_SECONDS / IDLE_SECONDS
    print(f"{syncs:.0f} syncs in a minute of a recorded call; {a_day / 1e6:.2f} MB in an idle day: {by_file(idle)}")
    assert 0 < syncs <= MOST_SYNCS
    assert a_day <= MOST_IDLE_BYTES


def written(operations: list[Operation]) -> int:
    """Bytes."""
    return sum(len(each.content) for each in operations if each.what == "W")


def by_file(operations: list[Operation]) -> dict[str, int]:
    """How many bytes went into each."""
    files: Counter[str] = Counter()
    for each in operations:
        if each.what == "W":
            files[Path(each.path).name] += len(each.content)
    return dict(files)
