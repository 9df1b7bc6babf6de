"""Opus by the system's libopus, when it is installed (Debian: libopus0; RFC 6716, RFC 7587).

The library resamples by itself: we ask it for 8 kHz, whatever the phone has sent, or for 16.
"""

from __future__ import annotations

import ctypes
import weakref
from ctypes import POINTER, byref, c_int, c_int32, c_ubyte, c_void_p
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gateway.audio.frame import FRAMES_PER_SECOND, SAMPLE_RATE, Frame

LIBRARY = "libopus.so.0"
_BITS_PER_SECOND = 40_000
_EXPECTED_LOSS_PERCENT = 10
"""With some loss expected each packet repeats, coarsely, the one before it."""
_COMPLEXITY = 1
"""Of 10: some bits more are cheaper than some work more (docs/decisions/wide-band.md)."""
_LONGEST_PAYLOAD = 1_275
"""RFC 6716 section 3.4, R2."""
_LONGEST_SAMPLES = 120 * SAMPLE_RATE // 1000
_APPLICATION_VOIP = 2_048
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_LOSS = 4_002, 4_010, 4_012, 4_014
_NOTHING = np.zeros(0, dtype=np.int16)


@cache
def is_installed() -> bool:
    """The library is there."""
    try:
        _library()
    except OSError:
        return False
    return True


class OpusCoder:
    """One voice in both directions, of frames with so many samples a second. Raises OSError without the library."""

    def __init__(self, sample_rate: int = SAMPLE_RATE) -> None:
        self._library = _library()
        self._sample_rate = sample_rate
        self._decoded = np.empty(_LONGEST_SAMPLES * sample_rate // SAMPLE_RATE, dtype=np.int16)
        self._encoded = (c_ubyte * _LONGEST_PAYLOAD)()
        self._encoder: c_void_p | None = None
        self._decoder: c_void_p | None = None

    def encode(self, frame: Frame) -> bytes:
        """20 ms at about 40 kbit/s, a third of it the repetition of the packet before."""
        if self._encoder is None:
            self._encoder = self._new_encoder()
        length = self._library.opus_encode(
            self._encoder,
            np.ascontiguousarray(frame).ctypes.data,
            self._sample_rate // FRAMES_PER_SECOND,
            self._encoded,
            _LONGEST_PAYLOAD,
        )
        return bytes(self._encoded[: max(0, length)])

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """The samples of one packet; none when it is broken."""
        return self._decode(payload, len(self._decoded), repeats=False)

    def recover(self, payload: bytes) -> NDArray[np.int16]:
        """The packet before `payload`, as `payload` repeats it; made up by the library where it does not."""
        samples = self.samples_in(payload)
        room = samples * self._sample_rate // SAMPLE_RATE
        return self._decode(payload, room, repeats=True) if samples else _NOTHING

    def samples_in(self, payload: bytes) -> int:
        """Of 8 kHz, by its first two bytes (RFC 6716 section 3.1, 3.2); 0 for what is no packet."""
        if not payload:
            return 0
        configuration, code = payload[0] >> 3, payload[0] & 3
        if code < 3:
            count = 1 if code == 0 else 2
        elif len(payload) > 1:
            count = payload[1] & 0x3F
        else:
            return 0
        samples = count * _frame_samples(configuration)
        return samples if samples <= _LONGEST_SAMPLES else 0

    def _decode(self, payload: bytes, room: int, *, repeats: bool) -> NDArray[np.int16]:
        if not payload:
            return _NOTHING
        if self._decoder is None:
            self._decoder = self._new_decoder()
        count = self._library.opus_decode(
            self._decoder, payload, len(payload), self._decoded.ctypes.data, room, int(repeats)
        )
        return self._decoded[:count].copy() if count > 0 else _NOTHING

    def _new_encoder(self) -> c_void_p:
        library, status = self._library, c_int()
        made = c_void_p(library.opus_encoder_create(self._sample_rate, 1, _APPLICATION_VOIP, byref(status)))
        if not made:
            raise MemoryError("libopus has no room for another voice.")
        weakref.finalize(self, library.opus_encoder_destroy, made).atexit = False
        for request, value in (
            (_SET_BITRATE, _BITS_PER_SECOND),
            (_SET_COMPLEXITY, _COMPLEXITY),
            (_SET_INBAND_FEC, 1),
            (_SET_LOSS, _EXPECTED_LOSS_PERCENT),
        ):
            library.opus_encoder_ctl(made, request, c_int32(value))
        return made

    def _new_decoder(self) -> c_void_p:
        library, status = self._library, c_int()
        made = c_void_p(library.opus_decoder_create(self._sample_rate, 1, byref(status)))
        if not made:
            raise MemoryError("libopus has no room for another voice.")
        weakref.finalize(self, library.opus_decoder_destroy, made).atexit = False
        return made


def _frame_samples(configuration: int) -> int:
    """The length of a frame at 8 kHz (RFC 6716 table 2)."""
    if configuration < 12:
        return (80, 160, 320, 480)[configuration & 3]
    if configuration < 16:
        return (80, 160)[configuration & 1]
    return (20, 40, 80, 160)[configuration & 3]


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(LIBRARY)
    library.opus_encoder_create.restype = c_void_p
    library.opus_encoder_create.argtypes = [c_int32, c_int, c_int, POINTER(c_int)]
    library.opus_decoder_create.restype = c_void_p
    library.opus_decoder_create.argtypes = [c_int32, c_int, POINTER(c_int)]
    library.opus_encode.restype = c_int32
    library.opus_encode.argtypes = [c_void_p, c_void_p, c_int, c_void_p, c_int32]
    library.opus_decode.argtypes = [c_void_p, ctypes.c_char_p, c_int32, c_void_p, c_int, c_int]
    library.opus_encoder_destroy.argtypes = library.opus_decoder_destroy.argtypes = [c_void_p]
    return library
