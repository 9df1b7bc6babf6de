"""A thread that spins under real-time priority gives it back by itself; what it starts is ordinary."""

from __future__ import annotations

import os
import subprocess
import sys

OTHERS = """
import os, sys, threading
from gateway.priority import LOCK_SECONDS, NICE_OF_OTHERS, take_real_time_priority
own = os.getpriority(os.PRIO_PROCESS, 0)
ended = threading.Event()
before = threading.Thread(target=ended.wait)
before.start()
taken = take_real_time_priority()
usual = 0 if taken else own
after = threading.Thread(target=ended.wait)
after.start()
nice = [os.getpriority(os.PRIO_PROCESS, each.native_id) for each in (before, after)]
ended.set()
child = os.waitstatus_to_exitcode(os.system("exit $(nice)"))
assert sys.getswitchinterval() == LOCK_SECONDS
print(taken, nice[0] == NICE_OF_OTHERS, nice[1] == usual, child == usual)
"""


def test_threads_that_were_there_go_before_other_programs_and_what_comes_later_is_ordinary() -> None:
    """They hold up the voice while they wait for a processor with Python's lock."""
    run = subprocess.run([sys.executable, "-c", OTHERS], capture_output=True, text=True, timeout=30, check=True)
    taken, is_lifted, thread_is_ordinary, child_is_ordinary = run.stdout.split()
    assert is_lifted == taken or os.geteuid() != 0, "root may do both"
    assert taken == "True" or is_lifted == "False"
    assert thread_is_ordinary == child_is_ordinary == "True"


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
