"""A thread that spins under real-time priority gives it back by itself; what it starts is ordinary."""

from __future__ import annotations

import subprocess
import sys

SPIN = """
import os, subprocess, sys, threading, time
from gateway.priority import take_real_time_priority
taken = take_real_time_priority()
mine = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
theirs = []
thread = threading.Thread(target=lambda: theirs.append(os.sched_getscheduler(0)))
thread.start(); thread.join()
started = time.monotonic()
while time.monotonic() - started < 3 and os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO:
    pass
print(taken, mine == os.SCHED_FIFO, theirs[0] == os.SCHED_OTHER, os.sched_getscheduler(0) == os.SCHED_OTHER)
"""


def test_a_spin_gives_the_priority_back() -> None:
    run = subprocess.run([sys.executable, "-c", SPIN], capture_output=True, text=True, timeout=30, check=True)
    taken, was_fifo, thread_ordinary, ordinary_again = run.stdout.split()
    assert taken == was_fifo, "what was promised is what is so; a user without the right is told False"
    assert thread_ordinary == "True"
    assert ordinary_again == "True"
    assert ("given back" in run.stderr) == (taken == "True")
