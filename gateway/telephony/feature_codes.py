"""The codes that people of the shop dial or press."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCodes:
    """What a phone dials to have something done; an empty text: nothing is done."""

    pick_up: str = "*8"
    """Answer the call that rings elsewhere."""
    pick_up_at: str = "**"
    """Followed by an extension: answer the call that rings there."""
    pause_recording: str = ""
    """Pressed by a phone of ours in the midst of a call: keep silence, and again: keep what is said."""
    talk: str = "**"
    """Begins what a phone presses in the midst of a call: hold, hand over, conference, pause, consultation."""
    courier: str = "**"
    """Begins what a courier presses on the mobile in the midst of a call: hold, hand over, conference, pause."""
    pause: str = "*74"
    """Take no calls of the queue, with a digit for a reason that the owner has listed."""
    resume: str = "*75"
    """Take them again, also before the rest after a call is over."""
    messages: str = "*97"
    """Listen to the messages that callers have left."""
    messages_elsewhere: str = "*98"
    """The same for another phone, by its extension and its `voicemail_pin`."""
    record_prompt: str = ""
    """Record the greeting, or, followed by two digits, the prompt of that number on the page Prompts."""
