"""What a new shop needs before its first call, and what of it is there already."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from web.reader import asker, client, snapshot
from web.translation import gettext


@dataclass(frozen=True, slots=True)
class Step:
    """One of them. `done` says what there is; empty: nothing yet."""

    title: str
    text: str
    address: str
    action: str
    done: str = ""
    is_optional: bool = False


def first_steps() -> list[Step]:
    """In the order in which they are needed."""
    shown = snapshot()
    kinds = {kind: client().shop_parts(asker(), kind) for kind in ("lines", "phones", "couriers", "trunks")}
    general = client().general(asker())
    ready = [line["name"] for line in shown["lines"] if line["state"] in ("ready", "busy")]
    registered = [phone["extension"] for phone in shown["phones"] if phone["contacts"]]
    hours = client().hours(asker())
    has_hours = any(hours.get(day) for day in ("monday", "tuesday", "wednesday", "thursday", "friday"))
    recorded = {"all": gettext("all calls"), "couriers": gettext("calls with couriers"), "none": gettext("nothing")}
    return [
        Step(
            gettext("Name, language and clock"),
            gettext("How the shop is called, what its greetings speak, and whose clocks count."),
            url_for("parties.general"), gettext("Look and change"),
            done=f"{general['name']} · {general['language']} · {general['time_zone']}",
        ),
        Step(
            gettext("Modems and lines"),
            gettext("Plug a modem in: it appears within seconds. A line is the SIM in it, under a name of yours."),
            url_for("parties.parts", kind="lines"), gettext("Lines"), done=", ".join(ready),
        ),
        Step(
            gettext("Couriers"),
            gettext("Each with an extension, such as 2001, and the mobile that it reaches."),
            url_for("parties.parts", kind="couriers"), gettext("Couriers"),
            done=", ".join(each["name"] or each["extension"] for each in kinds["couriers"]),
        ),
        Step(
            gettext("A phone for the office"),
            gettext("A desk phone or an app by a QR code on the page Phones, or this browser with nothing to install."),
            url_for("parties.parts", kind="phones"), gettext("Phones"),
            done=gettext("%(phones)s is there", phones=", ".join(registered)) if registered else "",
        ),
        Step(
            gettext("A provider"),
            gettext("With a city number, which customers call and see. Without one the SIM lines carry everything."),
            url_for("parties.parts", kind="trunks"), gettext("Providers"), is_optional=True,
            done=", ".join(each["name"] for each in kinds["trunks"]),
        ),
        Step(
            gettext("Hours"),
            gettext("Outside them callers hear when you open. Without any the shop is always open."),
            url_for("hours.form"), gettext("Hours"), is_optional=True, done=gettext("Set") if has_hours else "",
        ),
        Step(
            gettext("Greeting"),
            gettext("It is on from the beginning: two rings, a greeting, music, and an offer to call back."),
            url_for("reception.page"), gettext("Reception"),
            done=gettext("It answers") if client().reception(asker())["rules"]["on"] else "",
        ),
        Step(
            gettext("Recording and its notice"),
            gettext("Nothing is recorded until you decide how people are told of it."),
            url_for("parties.general") + "#recording", gettext("Decide"), is_optional=True,
            done=recorded[general["recorded_calls"]] if general["recorded_calls"] != "none" else "",
        ),
        Step(
            gettext("A first call"),
            gettext("Switch this browser on as a phone and call a courier; the call appears under Live calls."),
            url_for("browser_phone.page"), gettext("To the phone"),
            done=gettext("Calls have been made") if client().calls(asker(), limit=1)["items"] else "",
        ),
    ]  # fmt: skip
