"""`simbridge call trace`: the story of a call as its record has it, with what the wires said between its events.

Numbers are shown by their last three digits, so that it can be given to whoever helps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.store.database import Places
from gateway.store.queries import Queries
from gateway.telephony.trace import masked

_ARROWS = {"in": "<-", "out": "->"}
_LEFT_OUT = frozenset({"sound", "lines", "leg_id", "recording_id", "path"})


def trace_of(places: Places, call_id: str) -> str | None:
    """A line for each thing that happened, in order; None: there is no such call."""
    with Queries(places) as queries:
        call: dict[str, Any] | None = queries.call(call_id)
    if call is None:
        return None
    began = datetime.fromisoformat(call["started_at"])
    lines: list[tuple[float, str]] = []
    for step in call["timeline"]:
        seconds = (datetime.fromisoformat(step["time"]) - began).total_seconds()
        if step["type"] == "call.traced":
            lines += [(each["seconds"], _wire_text(each)) for each in step["data"]["lines"]]
        else:
            lines.append((seconds, f"{step['type']:<19} {_facts_text(step['data'])}".rstrip()))
    lines.sort(key=lambda each: each[0])
    head = f"{call['started_at']} {call['direction']}: {call['caller'] or 'withheld'} to {call['called']}"
    tail = "" if call["ended_at"] is not None else "\nThe call still runs: what its wires say is kept when it is over."
    return "\n".join([masked(head), *(f"{seconds:9.3f}  {text}" for seconds, text in lines)]) + tail


def _wire_text(line: dict[str, Any]) -> str:
    return f"{line['kind'].upper():<5} {_ARROWS.get(line['way'], '  ')} {line['who']}  {line['text']}"


def _facts_text(data: dict[str, Any]) -> str:
    facts = [f"{name}={value}" for name, value in data.items() if name not in _LEFT_OUT and value not in (None, "")]
    sound = data.get("sound")
    if sound:
        facts += [f"{name}={value}" for name, value in sound.items() if value is not None]
    return masked(" ".join(facts))
