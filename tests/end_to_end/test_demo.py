"""The demo, as a stranger starts it: the README's first promise."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.real_time
@pytest.mark.timeout(700)
def test_every_check_of_the_demo_holds(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "--once", "--data", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=680,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "FAIL" not in run.stdout
    assert len(re.findall(r"^  ok ", run.stdout, re.MULTILINE)) == 19
    assert run.stderr == ""
    kept = {path: path.stat().st_mode for path in (tmp_path / "demo").rglob("*") if not path.is_symlink()}
    assert len(kept) > 20
    wide = {str(path): oct(mode) for path, mode in kept.items() if mode & 0o027}
    assert wide == {}, "T-L1: nobody else reads what is kept, and nobody but its owner writes it"


@pytest.mark.real_time
def test_a_window_that_is_closed_leaves_nothing_running(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    directory = str(tmp_path / "demo")
    demo = subprocess.Popen(
        [sys.executable, "-c", _ON_A_TERMINAL, sys.executable, "-m", "gateway", "demo", "--data", directory],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        shown = b""
        while b"Ctrl-C ends everything" not in shown:
            shown += os.read(ours, 4096)
        names = ("gateway.emulator", "gateway run", "gateway worker", "gateway web")
        running = _command_lines(directory)
        assert all(any(name in line for line in running) for name in names), running
        os.close(ours)
        assert demo.wait(timeout=60) == 0
    finally:
        demo.kill()
        demo.wait()
    assert _command_lines(directory) == []


_ON_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""The terminal becomes the one that hangs up on its session when it goes (tty_ioctl(4))."""


def _command_lines(directory: str) -> list[str]:
    """Of all processes that were told of a directory."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if directory in line]
