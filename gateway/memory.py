"""Memory that is given back to the system once it is freed.

glibc keeps a heap of its own for each of a process's first threads, and what one of them has freed no other one uses:
21 MiB of 116 in a daemon with eight calls, nearly all of it left over from the start (docs/performance.md).
"""

from __future__ import annotations

import ctypes
import gc

_ARENA_MAX = -8
_MMAP_THRESHOLD = -3
_TRIM_THRESHOLD = -1
"""The names of mallopt(3); giving the last two their usual values keeps them from growing by themselves."""
_USUAL_THRESHOLD_BYTES = 128 * 1024


def give_freed_memory_back() -> bool:
    """Have one heap for all threads from now on; False where the C library knows nothing of it. To be called early."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is None:
        return False
    wanted = ((_ARENA_MAX, 1), (_TRIM_THRESHOLD, _USUAL_THRESHOLD_BYTES), (_MMAP_THRESHOLD, _USUAL_THRESHOLD_BYTES))
    return all(set_option(name, value) == 1 for name, value in wanted)


def keep_what_was_built() -> None:
    """The start is over: what it has built is never looked through for garbage again, what comes now is.

    Python looks through all that is old once a quarter has come to what it found the last time. So it is to find
    nothing once more: else it would count on by what is frozen, and keep tens of thousands of dead objects.
    """
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.enable()
