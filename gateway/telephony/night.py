"""The night lock: no calls to outside between two hours of the shop, whoever dials (T-F2, T-F3).

Emergency calls pass, and calls to the couriers' registered mobiles, which a call-back is; so do the numbers that the
owner names, such as that of whoever is on duty. A call that runs when the night begins goes on. While nobody has set
the clock it may be night, and the lock holds (X-T1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from gateway.clock import is_set


@dataclass(frozen=True, slots=True, kw_only=True)
class NightLock:
    """`begins` and `ends` are hours of the shop such as "23:00"; both empty: there is no lock."""

    begins: str = ""
    ends: str = ""
    numbers: tuple[str, ...] = ()
    """May be called all the same."""

    def is_on(self, moment: datetime, time_zone: str, *, is_certain: bool = True) -> bool:
        """Whether the lock holds at that aware moment, in that time zone; from 23:00 to 07:00 goes over midnight.

        Without `is_certain` nobody knows what the time is.
        """
        if not self.begins or not self.ends:
            return False
        if not is_certain or not is_set(moment):
            return True
        begins, ends = time.fromisoformat(self.begins), time.fromisoformat(self.ends)
        now = moment.astimezone(ZoneInfo(time_zone)).time()
        return begins <= now < ends if begins <= ends else now >= begins or now < ends
