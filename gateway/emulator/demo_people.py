"""The people of the demonstration, who have numbers, habits and voices."""

from __future__ import annotations

from pathlib import Path

from gateway.emulator import sound
from gateway.emulator.network import Network
from gateway.emulator.subscriber import Habits, Speech, Subscriber, WhenCalled

VOICES = Path(__file__).with_name("voices")
COURIER_VOICE = VOICES / "courier-ru.wav"
OFFICE_VOICE = VOICES / "office-en.wav"

COURIER = "+79161234567"
CUSTOMER = "+79031112233"
BUSY_MAN = "+79030000017"
SLEEPER = "+79030000019"
SWITCHED_OFF = "+79030000020"


def add_demo_people(network: Network) -> None:
    """A courier who answers and speaks, a customer who does too, and three whom one cannot reach."""
    courier = Speech(samples=sound.load_wav(COURIER_VOICE), after_seconds=0.5)
    customer = Speech(samples=sound.load_wav(OFFICE_VOICE), after_seconds=0.5)
    network.add(Subscriber(COURIER, Habits(ring_seconds=1.0, says=(courier,))))
    network.add(Subscriber(CUSTOMER, Habits(ring_seconds=2.0, says=(customer,))))
    network.add(Subscriber(BUSY_MAN, Habits(when_called=WhenCalled.BUSY)))
    network.add(Subscriber(SLEEPER, Habits(when_called=WhenCalled.NO_ANSWER)))
    network.add(Subscriber(SWITCHED_OFF, Habits(when_called=WhenCalled.OFF)))
