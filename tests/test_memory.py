"""All threads share one heap, so that what one of them has freed another one uses, or the system gets it."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import ctypes, sys, threading
from gateway.memory import give_freed_memory_back
if sys.argv[1] == "shared":
    assert give_freed_memory_back()
barrier = threading.Barrier(4)

def use():
    kept = bytes(20_000)
    barrier.wait()

threads = [threading.Thread(target=use) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
library = ctypes.CDLL(None)
library.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(library.fopen(b"/dev/stdout", b"w"))
library.malloc_info(0, out)
library.fclose(out)
"""


def heaps(how: str) -> int:
    run = subprocess.run([sys.executable, "-c", THREADS, how], capture_output=True, text=True, timeout=30, check=True)
    return run.stdout.count("<heap nr=")


def test_threads_have_one_heap() -> None:
    assert heaps("shared") == 1
    assert heaps("each its own") > 1, "what it would be without"


AFTER_THE_START = """
import gc
gc.disable()
built = [[] for _ in range(2_000_000)]
from gateway.memory import keep_what_was_built
keep_what_was_built()
assert gc.isenabled()
before = gc.get_stats()[2]["collections"]
later = [[] for _ in range(300_000)]
print(gc.get_stats()[2]["collections"] - before)
"""


def test_how_much_the_start_has_built_puts_no_search_for_garbage_off() -> None:
    command = [sys.executable, "-c", AFTER_THE_START]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert int(run.stdout) >= 1, "half a million had to come first"
