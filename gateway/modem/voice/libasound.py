"""Sound cards by way of libasound.so.2, called through ctypes.

There is no wheel of a binding for the Raspberry Pi, and what is needed of the library is small. Source of
all names and numbers: alsa-lib's asoundlib.h and pcm.h, whose binary interface has been stable since 1.0.
"""

from __future__ import annotations

import ctypes
import errno
from functools import cache

from gateway.audio.frame import FRAMES_PER_SECOND
from gateway.modem.voice.sound_card import CardBusy, CardGone, CardParameters, CardRefuses, CardXrun, Flow, Pcm

_NONBLOCK = 1
_RW_INTERLEAVED = 3
_S16_LE = 2
_SAMPLE_BYTES = 2
_BUFFER_PERIODS = 5
"""100 ms: the most that may ever wait in a card."""
_XRUNS = (errno.EPIPE, errno.ESTRPIPE)
_GONE = (errno.ENODEV, errno.ENOENT, errno.ENXIO, errno.EIO, errno.EBADFD)


class _PollFd(ctypes.Structure):
    _fields_ = (("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short))


@cache
def _library() -> ctypes.CDLL:
    """Loaded when the first card is opened: a gateway without one does not need it."""
    try:
        library = ctypes.CDLL("libasound.so.2")
    except OSError as fault:
        raise CardGone("libasound is not installed (Debian: libasound2, or libasound2t64)") from fault
    for name in ("snd_pcm_readi", "snd_pcm_writei", "snd_pcm_avail"):
        getattr(library, name).restype = ctypes.c_long
    library.snd_pcm_readi.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong)
    library.snd_pcm_writei.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong)
    library.snd_strerror.restype = ctypes.c_char_p
    for name in ("snd_pcm_sw_params_set_start_threshold", "snd_pcm_sw_params_set_avail_min"):
        getattr(library, name).argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong)
    return library


class LibAsound:
    """Implements SoundCards."""

    def open(self, name: str, flow: Flow, rate: int) -> Pcm:
        """See SoundCards."""
        library = _library()
        handle = ctypes.c_void_p()
        _check(library.snd_pcm_open(ctypes.byref(handle), name.encode(), flow.value, _NONBLOCK), "be opened")
        try:
            return _AlsaPcm(library, handle, flow, _agreed(library, handle, flow, rate))
        except BaseException:
            library.snd_pcm_close(handle)
            raise


def _agreed(library: ctypes.CDLL, handle: ctypes.c_void_p, flow: Flow, rate: int) -> CardParameters:
    """Set what we want; raises CardRefuses with what the card would take instead."""
    wanted = ctypes.c_void_p()
    _check(library.snd_pcm_hw_params_malloc(ctypes.byref(wanted)), "be asked")
    try:
        _check(library.snd_pcm_hw_params_any(handle, wanted), "be asked")
        offered = _offered(library, wanted)
        period, buffer = ctypes.c_ulong(rate // FRAMES_PER_SECOND), ctypes.c_ulong(0)
        buffer.value = period.value * _BUFFER_PERIODS
        direction = ctypes.c_int(0)
        steps = (
            (library.snd_pcm_hw_params_set_access, _RW_INTERLEAVED),
            (library.snd_pcm_hw_params_set_format, _S16_LE),
            (library.snd_pcm_hw_params_set_channels, ctypes.c_uint(1)),
            (library.snd_pcm_hw_params_set_rate, ctypes.c_uint(rate), 0),
            (library.snd_pcm_hw_params_set_period_size_near, ctypes.byref(period), ctypes.byref(direction)),
            (library.snd_pcm_hw_params_set_buffer_size_near, ctypes.byref(buffer)),
        )
        if any(step(handle, wanted, *values) < 0 for step, *values in steps):
            raise CardRefuses(f"{rate} Hz, mono, 16 bit is wanted; it has {offered}")
        if library.snd_pcm_hw_params(handle, wanted) < 0:
            raise CardRefuses(f"{rate} Hz, mono, 16 bit in periods of 20 ms is wanted; it has {offered}")
    finally:
        library.snd_pcm_hw_params_free(wanted)
    parameters = CardParameters(rate, period.value, buffer.value)
    _set_thresholds(library, handle, flow, parameters)
    return parameters


def _offered(library: ctypes.CDLL, wanted: ctypes.c_void_p) -> str:
    """What the card has, for people: `2 channels, 44100 to 48000 Hz`."""
    low, high, direction = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_int()
    library.snd_pcm_hw_params_get_channels_min(wanted, ctypes.byref(low))
    library.snd_pcm_hw_params_get_channels_max(wanted, ctypes.byref(high))
    channels = _span(low.value, high.value)
    library.snd_pcm_hw_params_get_rate_min(wanted, ctypes.byref(low), ctypes.byref(direction))
    library.snd_pcm_hw_params_get_rate_max(wanted, ctypes.byref(high), ctypes.byref(direction))
    return f"{channels} channels, {_span(low.value, high.value)} Hz"


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _set_thresholds(library: ctypes.CDLL, handle: ctypes.c_void_p, flow: Flow, parameters: CardParameters) -> None:
    """Wake us once per period; a playback starts with its first period."""
    software = ctypes.c_void_p()
    _check(library.snd_pcm_sw_params_malloc(ctypes.byref(software)), "be asked")
    try:
        _check(library.snd_pcm_sw_params_current(handle, software), "be asked")
        _check(library.snd_pcm_sw_params_set_avail_min(handle, software, parameters.period), "be set up")
        start = parameters.period if flow is Flow.PLAYBACK else 1
        _check(library.snd_pcm_sw_params_set_start_threshold(handle, software, start), "be set up")
        _check(library.snd_pcm_sw_params(handle, software), "be set up")
    finally:
        library.snd_pcm_sw_params_free(software)


class _AlsaPcm:
    """Implements Pcm."""

    def __init__(self, library: ctypes.CDLL, handle: ctypes.c_void_p, flow: Flow, parameters: CardParameters) -> None:
        self.parameters = parameters
        self._library = library
        self._handle: ctypes.c_void_p | None = handle
        self._flow = flow
        self._room = ctypes.create_string_buffer(parameters.buffer * _SAMPLE_BYTES)

    @property
    def descriptor(self) -> int:
        found = _PollFd()
        if self._library.snd_pcm_poll_descriptors(self._handle, ctypes.byref(found), 1) != 1:
            raise CardGone("it cannot be waited for")
        return int(found.fd)

    def start(self) -> None:
        _check(self._library.snd_pcm_prepare(self._handle), "be made ready")
        if self._flow is Flow.CAPTURE:
            _check(self._library.snd_pcm_start(self._handle), "be started")

    def stop(self) -> None:
        if self._handle is not None:
            self._library.snd_pcm_drop(self._handle)

    def read(self) -> bytes:
        count: int = self._library.snd_pcm_readi(self._handle, self._room, self.parameters.buffer)
        if count == -errno.EAGAIN:
            return b""
        _check(count, "be read")
        return self._room.raw[: count * _SAMPLE_BYTES]

    def write(self, data: bytes) -> int:
        count: int = self._library.snd_pcm_writei(self._handle, data, len(data) // _SAMPLE_BYTES)
        if count == -errno.EAGAIN:
            return 0
        return _check(count, "be written") * _SAMPLE_BYTES

    def queued(self) -> int:
        free = self._library.snd_pcm_avail(self._handle)
        return max(0, self.parameters.buffer - int(free)) if free >= 0 else 0

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            self._library.snd_pcm_drop(handle)
            self._library.snd_pcm_close(handle)


def _check(result: int, what: str) -> int:
    """`result`, or the fault that its negative errno stands for."""
    if result >= 0:
        return result
    text = _library().snd_strerror(result).decode(errors="replace")
    if -result == errno.EBUSY:
        raise CardBusy(text)
    if -result in _XRUNS:
        raise CardXrun(text)
    if -result in _GONE:
        raise CardGone(text)
    raise CardRefuses(f"it cannot {what}: {text}")
