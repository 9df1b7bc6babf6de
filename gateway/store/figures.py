"""What calls come to: the sums that a row of the statistics shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums over calls that are over; times in milliseconds, money in hundredths of the currency.

    Calls between phones are in none of them.
    """

    incoming: int = 0
    answered: int = 0
    """Of the incoming ones: somebody talked to the caller."""
    outgoing: int = 0
    reached: int = 0
    """Of the outgoing ones: somebody was talked to."""
    talk_ms: int = 0
    wait_ms: int = 0
    """How long the callers who were answered had waited, all together."""
    cost: int | None = None
    """None: no call of them has a tariff."""

    def __add__(self, other: Figures) -> Figures:
        costs = [each.cost for each in (self, other) if each.cost is not None]
        return Figures(
            incoming=self.incoming + other.incoming,
            answered=self.answered + other.answered,
            outgoing=self.outgoing + other.outgoing,
            reached=self.reached + other.reached,
            talk_ms=self.talk_ms + other.talk_ms,
            wait_ms=self.wait_ms + other.wait_ms,
            cost=sum(costs) if costs else None,
        )

    @property
    def calls(self) -> int:
        """All of them."""
        return self.incoming + self.outgoing

    @property
    def missed(self) -> int:
        """Incoming calls in which nobody talked to the caller."""
        return self.incoming - self.answered

    @property
    def seconds_to_answer(self) -> float | None:
        """How long a caller waited on the average; None: nobody was answered."""
        return round(self.wait_ms / self.answered / 1000, 3) if self.answered else None

    @property
    def answer_seizure_ratio(self) -> float | None:
        """The share of the outgoing calls that reached somebody (ASR, ITU-T E.425); None: there were none."""
        return round(self.reached / self.outgoing, 4) if self.outgoing else None

    @property
    def average_talk_seconds(self) -> float | None:
        """How long two people talked on the average (ACD, ITU-T E.437); None: nobody talked."""
        talks = self.answered + self.reached
        return round(self.talk_ms / talks / 1000, 3) if talks else None

    @property
    def missed_share(self) -> float | None:
        """Of the incoming calls; None: there were none."""
        return round(self.missed / self.incoming, 4) if self.incoming else None

    def wire(self, answered_within: int) -> dict[str, object]:
        """The schema `Figures` of openapi.json; so many callers were answered in time."""
        return {
            "incoming": self.incoming,
            "answered": self.answered,
            "outgoing": self.outgoing,
            "reached": self.reached,
            "calls": self.calls,
            "missed": self.missed,
            "missed_share": self.missed_share,
            "answered_within": answered_within,
            "service_level": round(answered_within / self.incoming, 4) if self.incoming else None,
            "talk_seconds": round(self.talk_ms / 1000, 3),
            "seconds_to_answer": self.seconds_to_answer,
            "answer_seizure_ratio": self.answer_seizure_ratio,
            "average_talk_seconds": self.average_talk_seconds,
            "cost": None if self.cost is None else self.cost / 100,
        }
