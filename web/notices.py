"""What the next page says once about what was just asked for: that it is done, by Flask's flash; or that it is not."""

from __future__ import annotations

from flask import flash

NOT_DONE = "not-done"
"""The category of a notice that looks like what it says."""


def flash_not_done(text: str) -> None:
    """Say that it was not done, and why. What was done is told by `flash` alone."""
    flash(text, NOT_DONE)
