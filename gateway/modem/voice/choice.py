"""Which device a setting's `voice` names."""

from __future__ import annotations

from collections.abc import Callable

from gateway.audio.device_clock import Steadiness
from gateway.modem.voice.alsa_uac import AlsaVoice
from gateway.modem.voice.device import SOUND_CARD, NoVoice, VoiceDevice
from gateway.modem.voice.tty_pcm import VoiceTty


def voice_device(path: str | None, on_lost: Callable[[], None], steadiness: Steadiness) -> VoiceDevice:
    """The device of that name, not open yet. `on_lost` is called when it goes by itself."""
    if path is None:
        return NoVoice(steadiness)
    if path.startswith(SOUND_CARD):
        return AlsaVoice(path.removeprefix(SOUND_CARD), on_lost, steadiness)
    return VoiceTty(path, on_lost, steadiness)
