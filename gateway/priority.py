"""Real-time priority for the thread that moves the voice, where the system allows it.

Measured: with every core busy, an ordinary process hears of a frame 5 to 17 ms late, one under
SCHED_FIFO 0.1 ms. The loop of the daemon is that thread: it sleeps most of the time, and nothing
slow runs in it. What it starts (threads, processes) is ordinary again (SCHED_RESET_ON_FORK, sched(7)).
Should it ever spin, RLIMIT_RTTIME wakes us after one second of computing without a pause, and
the priority is given back: a bug may cost voice quality, never the machine.
"""

from __future__ import annotations

import logging
import os
import resource
import signal

log = logging.getLogger(__name__)

PRIORITY = 5
LONGEST_COMPUTING_MICROSECONDS = 1_000_000


def take_real_time_priority() -> bool:
    """Give this thread SCHED_FIFO; False where that is not allowed (a unit grants it by LimitRTPRIO)."""
    signal.signal(signal.SIGXCPU, _give_back)
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (LONGEST_COMPUTING_MICROSECONDS, hard))
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except PermissionError:
        return False
    return True


def _give_back(_number: int, _frame: object) -> None:
    """The loop has computed for a second on end: let others run."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    log.warning("The loop computed for a second without a pause; its real-time priority is given back.")
