"""Real-time priority for the thread that moves the voice, where the system allows it.

Measured: with every core busy, an ordinary process hears of a frame 5 to 17 ms late, one under
SCHED_FIFO 0.1 ms. The loop of the daemon is that thread: it sleeps most of the time, and nothing
slow runs in it. What it starts (threads, processes) is ordinary again (SCHED_RESET_ON_FORK, sched(7)).

But one thread at a time computes in Python. One of the others that is sent to wait for a processor while it has
Python's lock holds up the voice with it, as long as programs of its own rank are before it: with every core busy 9 ms
and more at p99, where 1 to 3 are left once such threads go before ordinary programs and give the lock away sooner
(docs/decisions/media-loop.md). So the threads that are there already, which write to the disk and seldom compute, get
a better nice value.

Should it ever spin, RLIMIT_RTTIME wakes us after one second of computing without a pause, and
the priority is given back: a bug may cost voice quality, never the machine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import sys
import threading

log = logging.getLogger(__name__)

PRIORITY = 5
NICE_OF_OTHERS = -10
"""Of the threads that were there before: not real time, so that none of them can hold up the machine."""
LOCK_SECONDS = 0.0005
"""So long a thread may keep Python's lock while another one waits for it; Python's own value is ten times that."""
LONGEST_COMPUTING_MICROSECONDS = 1_000_000


def take_real_time_priority() -> bool:
    """Give this thread SCHED_FIFO; False where that is not allowed (a unit grants it by LimitRTPRIO)."""
    sys.setswitchinterval(LOCK_SECONDS)
    signal.signal(signal.SIGXCPU, _give_back)
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (LONGEST_COMPUTING_MICROSECONDS, hard))
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    _lift_others()
    return True


def _lift_others() -> None:
    """Where it is not allowed (a unit grants it by LimitNICE), they stay as they are."""
    own = threading.get_native_id()
    for thread in threading.enumerate():
        if thread.native_id is not None and thread.native_id != own:
            # It may have ended meanwhile.
            with contextlib.suppress(PermissionError, ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread.native_id, NICE_OF_OTHERS)


def _give_back(_number: int, _frame: object) -> None:
    """The loop has computed for a second on end: let others run."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    log.warning("The loop computed for a second without a pause; its real-time priority is given back.")
