"""Late frames: given up, or played all the same and so kept as delay."""

from __future__ import annotations

from gateway.audio.frame import FRAME_SECONDS


class LateFrames:
    """What has come after its turn in one stream. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.skipping_since: float | None = None
        """Since when frames of a long silence are given up; None: what came last was in time."""
        self._last_at = self._exception_at = -_EXCEPTION_SECONDS
        """When one came last; and when one was given up because it was the only one."""

    def is_exception(self, now: float, *, is_even: bool) -> bool:
        """One has come. True: give it up, nothing else was late of late on a line that is even.

        It tells nothing of those to come; neither does what was held up together with it.
        """
        before, self._last_at = self._last_at, now
        if is_even and now - before > _EXCEPTION_SECONDS:
            self._exception_at = now
        return now - self._exception_at < _TOGETHER_SECONDS

    def given_up(self, count: int, room: int, now: float) -> int:
        """How many of `count` late frames to give up, where the delay has room for `room` more.

        After a short silence of the network the delay grows. After a long one it would grow too far: most
        of what was held up is given up, unless it goes on coming that late.
        """
        if count <= room:
            return 0
        if self.skipping_since is None:
            self.skipping_since = now
        return 0 if now - self.skipping_since > _SKIP_SECONDS else count - room


_SKIP_SECONDS = 0.1
_EXCEPTION_SECONDS = 2.0
"""One packet in a hundred: to lose it is heard less than the delay of playing it (docs/performance.md)."""
_TOGETHER_SECONDS = FRAME_SECONDS / 2
