"""One party's voice at an even level: faint callers are raised, loud ones lowered, and no peak is cut off.

A caller's level is learned from what is voice, never from the noise between, so that a pause is not pumped up. The gain
follows slowly; a limiter in the same step sees to it that a shout after a whisper stays whole.
"""

from __future__ import annotations

from math import log10

import numpy as np

from gateway.audio.frame import FRAME_SAMPLES, Frame

TARGET_DBFS = -20.0
"""Of the frames with voice, against a full-scale sine: what a well set up phone sends (ITU-T P.330 has it near)."""
_MOST_DB = 15.0
_LEAST_DB = -12.0
_FULL_SCALE_ENERGY = FRAME_SAMPLES * 32768.0**2 / 2
_TARGET_ENERGY = _FULL_SCALE_ENERGY * 10 ** (TARGET_DBFS / 10)
_LEAST_VOICE = _FULL_SCALE_ENERGY * 10**-4.8
_BELOW_VOICE = 10**-2.0
"""What is 20 dB fainter than the voice of late is noise, or another person far off ..."""
_FORGET = 0.995
"""... unless it goes on: the voice of late is held to fade by 1 dB a second."""
_LEARN = 0.02
"""Per frame of voice: a time constant of a second."""
_UP_DB = 0.12
_DOWN_DB = 0.6
"""Per frame: 6 dB and 30 dB a second."""
_PEAK = 29_200.0
"""1 dB below full scale."""
_NEARLY_ONE_DB = 0.3
_RAMP_SAMPLES = 40
_RAMP = (np.arange(_RAMP_SAMPLES, dtype=np.float32) + 1) / _RAMP_SAMPLES


class Leveller:
    """Feed it every frame of one party, in order."""

    def __init__(self) -> None:
        self._voice = _TARGET_ENERGY
        """The mean energy of a frame with voice."""
        self._gain_db = 0.0
        self._gain = 1.0
        """What the last frame ended with."""

    @property
    def gain_db(self) -> float:
        """How much the voice is raised now; the limiter may have taken some of it from the last frame."""
        return self._gain_db

    def levelled(self, frame: Frame) -> Frame:
        """The frame to be heard in place of `frame`; the same one where there is nothing to do."""
        samples = frame.astype(np.float32)
        energy = float(samples.dot(samples))
        if energy > max(_LEAST_VOICE, self._voice * _BELOW_VOICE):
            self._learn(energy)
        elif energy > _LEAST_VOICE:
            self._voice *= _FORGET
        gain = 10 ** (self._gain_db / 20)
        peak = float(np.abs(samples).max()) * max(gain, self._gain)
        if peak > _PEAK:
            gain = min(gain, _PEAK / peak * max(gain, self._gain))
        elif abs(self._gain_db) < _NEARLY_ONE_DB and abs(self._gain - 1) < 0.04:
            self._gain = 1.0
            return frame
        samples *= gain
        if gain != self._gain:
            # From the last frame's gain to this one's within 5 ms; where that is louder, the limiter has less.
            start = min(self._gain, gain) if peak > _PEAK else self._gain
            samples[:_RAMP_SAMPLES] *= start / gain + (1 - start / gain) * _RAMP
        self._gain = gain
        np.rint(samples, out=samples)
        return samples.astype(np.int16)

    def _learn(self, energy: float) -> None:
        self._voice += (energy - self._voice) * _LEARN
        wanted = min(_MOST_DB, max(_LEAST_DB, 10 * log10(_TARGET_ENERGY / self._voice)))
        self._gain_db += min(_UP_DB, max(-_DOWN_DB, wanted - self._gain_db))
