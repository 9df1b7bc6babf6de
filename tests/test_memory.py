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
