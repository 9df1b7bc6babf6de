"""The story of a call in words, from its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from web.people import Directory, queue_title
from web.reader import snapshot, words
from web.translation import gettext


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story: seconds since the call began, an icon, the sentence, and a note."""

    seconds: float
    icon: str
    text: str
    note: str = ""


def step_title(step: str) -> str:
    """What a caller hears for whom nobody has answered yet."""
    titles = {
        "greeting": gettext("Hears the greeting"),
        "music": gettext("Hears music"),
        "offer": gettext("Is offered a call-back"),
    }
    return titles.get(step, step)


def tell(call: dict[str, Any], directory: Directory) -> list[Moment]:
    """Every event of the call that a person would want to know of, in order."""
    began = datetime.fromisoformat(call["started_at"])
    peers = {leg["id"]: directory.party(leg["peer"]).title for leg in call["legs"]}
    story = []
    for event in call["timeline"]:
        kind, data = event["type"], event["data"]
        if kind.startswith("party."):
            said = _of_guest(kind, data, directory.party(data.get("peer")).title)
        elif kind.startswith("audio."):
            said = _of_sound(kind, data, directory.party(data.get("peer")).title)
        elif kind in ("call.back_promised", "message.left"):
            said = _of_wish(kind, data)
        elif kind.startswith("leg."):
            said = _of_leg(kind, data, peers.get(str(data.get("leg_id")), ""))
        else:
            said = _of_call(kind, data, call, directory)
        if said is not None:
            seconds = (datetime.fromisoformat(event["time"]) - began).total_seconds()
            story.append(Moment(max(0.0, seconds), *said))
    return story


def wires(call: dict[str, Any]) -> list[dict[str, Any]]:
    """What the wires of a call that is over have said, line by line."""
    traced = (event["data"] for event in call["timeline"] if event["type"] == "call.traced")
    return [line for data in traced for line in data.get("lines", ())]


def _of_call(
    kind: str, data: dict[str, Any], call: dict[str, Any], directory: Directory
) -> tuple[str, str, str] | None:
    caller = directory.party(call["caller"], call["caller_name"]).title
    said: tuple[str, str, str] | None = None
    match kind:
        case "call.started" if call["direction"] == "incoming":
            said = "phone-incoming", gettext("%(who)s calls", who=caller), ""
        case "call.started":
            said = "phone-outgoing", gettext("%(who)s dials", who=caller), ""
        case "call.routed" if data.get("courier"):
            said = "user", gettext("Recognised: %(who)s", who=directory.party(data["courier"]).title), ""
        case "call.routed":
            said = "phone-forwarded", gettext("Goes on to %(who)s", who=directory.party(data.get("called")).title), ""
        case "call.queued" | "call.stepped":
            said = _of_waiting(kind, data)
        case "call.answered":
            said = "circle-check", gettext("Both hear each other"), ""
        case "call.transferred":
            by, to = (directory.party(data.get(name)).title for name in ("by", "to"))
            said = "phone-forwarded", gettext("%(by)s hands over to %(to)s", by=by, to=to), ""
        case "recording.started":
            said = "circle-dot", gettext("Recording begins"), ""
        case "recording.paused":
            said = "pause", gettext("Recording is paused"), gettext("The file has silence of the same length instead.")
        case "recording.resumed":
            said = "circle-dot", gettext("Recording resumed"), ""
        case "recording.finished":
            said = "file-text", gettext("Recording is kept"), words("verdicts", data.get("verdict"))["title"]
        case "call.ended":
            said = "phone-off", _end(data), words("causes", data.get("cause"))["title"]
    return said


def _of_waiting(kind: str, data: dict[str, Any]) -> tuple[str, str, str]:
    if kind == "call.stepped":
        return "volume-2", step_title(str(data.get("step"))), ""
    name = queue_title(snapshot(), str(data.get("queue", "")))
    return "clock", gettext("Waits in the queue: %(name)s", name=name), ""


def _of_leg(kind: str, data: dict[str, Any], peer: str) -> tuple[str, str, str] | None:
    match kind:
        case "leg.started" if data.get("direction") == "outgoing":
            line = data.get("line")
            return (
                "phone-outgoing",
                gettext("Calling %(who)s", who=peer),
                gettext("over line %(line)s", line=line) if line else "",
            )
        case "leg.rang":
            return "phone-call", gettext("It rings at %(who)s", who=peer), ""
        case "leg.answered":
            return "phone", gettext("%(who)s is on the line", who=peer), ""
        case "leg.held" | "leg.resumed":
            held = kind == "leg.held"
            text = gettext("%(who)s holds the call", who=peer) if held else gettext("%(who)s is back", who=peer)
            return "pause" if held else "phone", text, ""
        case "leg.ended" if data.get("cause") not in (None, "hung-up"):
            return "phone-off", peer, words("causes", data.get("cause"))["title"]
    return None


def _of_guest(kind: str, data: dict[str, Any], who: str) -> tuple[str, str, str] | None:
    ordered = gettext("requested by %(name)s", name=data.get("by"))
    match kind, data.get("role"):
        case "party.joined", "listen":
            return "volume-2", gettext("%(who)s listens in", who=who), ordered
        case "party.joined", "whisper":
            return "volume-2", gettext("%(who)s whispers to the employee", who=who), ordered
        case "party.joined", "consult":
            return "users", gettext("%(who)s is consulted", who=who), ordered
        case "party.joined", "speak":
            return "users", gettext("%(who)s takes part", who=who), ordered
        case "party.left", _:
            return "phone-off", gettext("%(who)s has left", who=who), ""
    return None


def _of_wish(kind: str, data: dict[str, Any]) -> tuple[str, str, str]:
    if kind == "message.left":
        return "mic", gettext("A message is left"), gettext("%(seconds)s s", seconds=round(data.get("seconds", 0)))
    return "phone-outgoing", gettext("A call-back is promised"), ""


def _of_sound(kind: str, data: dict[str, Any], who: str) -> tuple[str, str, str] | None:
    match kind, data.get("reason"):
        case "audio.stopped", "no-signal":
            return "mic-off", gettext("Nothing is heard from %(who)s", who=who), gettext("complete silence: muted?")
        case "audio.stopped", _:
            return "mic-off", gettext("Nothing is heard from %(who)s", who=who), gettext("nothing arrives from there")
        case "audio.returned", _:
            after = gettext("after %(seconds)s s", seconds=data.get("seconds"))
            return "volume-2", gettext("%(who)s is heard again", who=who), after
    return None


def _end(data: dict[str, Any]) -> str:
    match data.get("ended_by"):
        case "caller":
            return gettext("The caller hangs up")
        case "callee":
            return gettext("The called side hangs up")
        case _:
            return gettext("The gateway ends the call")
