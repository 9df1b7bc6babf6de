"""A party's voice without noise and without our own echo, by the system's libspeexdsp (Debian: libspeexdsp1).

Both cost computing time, taking the noise away 5 ms of delay as well, and a voice is never quite what it was: they are
for lines that need them.
"""

from __future__ import annotations

import ctypes
import weakref
from ctypes import byref, c_int, c_void_p
from functools import cache

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, SAMPLE_RATE, Frame

LIBRARY = "libspeexdsp.so.1"
ECHO_MS = 128
"""How late an echo may come: of a hybrid or an acoustic path at the modem, not of the far end of a mobile network."""
_SET_DENOISE, _SET_NOISE_SUPPRESS = 0, 18
_ECHO_SET_SAMPLING_RATE = 24
_NOISE_DB = -15
"""How far the noise is taken down; more makes it ring."""
_BLOCK_SAMPLES = 40
"""5 ms, the delay too. Better than 10 and 20 ms by PESQ of a voice in noise: 2.44, 2.37 and 2.26, from 1.85."""


@cache
def is_installed() -> bool:
    """The library is there."""
    try:
        _library()
    except OSError:
        return False
    return True


class VoiceCleaner:
    """One party, in one direction. Raises OSError where the library is not installed."""

    def __init__(self, *, reduces_noise: bool, cancels_echo: bool) -> None:
        self._library = library = _library()
        self._preprocess: c_void_p | None = None
        self._echo: c_void_p | None = None
        if reduces_noise:
            self._preprocess = _made(library.speex_preprocess_state_init(_BLOCK_SAMPLES, SAMPLE_RATE))
            weakref.finalize(self, library.speex_preprocess_state_destroy, self._preprocess).atexit = False
            for request, value in ((_SET_DENOISE, 1), (_SET_NOISE_SUPPRESS, _NOISE_DB)):
                library.speex_preprocess_ctl(self._preprocess, request, byref(c_int(value)))
        if cancels_echo:
            self._echo = _made(library.speex_echo_state_init(FRAME_SAMPLES, ECHO_MS * SAMPLE_RATE // 1000))
            weakref.finalize(self, library.speex_echo_state_destroy, self._echo).atexit = False
            library.speex_echo_ctl(self._echo, _ECHO_SET_SAMPLING_RATE, byref(c_int(SAMPLE_RATE)))

    def cleaned(self, frame: Frame, played: Frame) -> Frame:
        """What the party says; `played` is what it was given in the same 20 ms, by the same clock."""
        said = np.array(frame, dtype=np.int16)
        if self._echo is not None:
            given, left = np.ascontiguousarray(played), np.empty_like(said)
            self._library.speex_echo_cancellation(self._echo, said.ctypes.data, given.ctypes.data, left.ctypes.data)
            said = left
        if self._preprocess is not None:
            start = said.ctypes.data
            for place in range(0, said.nbytes, _BLOCK_SAMPLES * said.itemsize):
                self._library.speex_preprocess_run(self._preprocess, start + place)
        return said


def _made(state: int | None) -> c_void_p:
    made = c_void_p(state)
    if not made:
        raise MemoryError("libspeexdsp has no room for another voice.")
    return made


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.speex_preprocess_state_init.restype = library.speex_echo_state_init.restype = c_void_p
    library.speex_preprocess_state_init.argtypes = library.speex_echo_state_init.argtypes = [c_int, c_int]
    library.speex_preprocess_ctl.argtypes = library.speex_echo_ctl.argtypes = [c_void_p, c_int, c_void_p]
    library.speex_preprocess_run.argtypes = [c_void_p, c_void_p]
    library.speex_echo_cancellation.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p]
    library.speex_echo_cancellation.restype = None
    library.speex_preprocess_state_destroy.argtypes = library.speex_echo_state_destroy.argtypes = [c_void_p]
    return library
