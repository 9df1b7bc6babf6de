"""What a new shop needs before its first call, and what of it is there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import render_template, request, url_for

from web.gateway_client import Refused
from web.reader import LANGUAGES, asker, client, snapshot
from web.translation import gettext
from web.trunk_trial import Tried, transports

FIRST_COURIER, FIRST_PHONE = 2001, 101


@dataclass(frozen=True, slots=True)
class Step:
    """One of them. `done` says what there is; empty: nothing yet. `key` names its template, if it asks something."""

    key: str
    title: str
    text: str
    address: str
    action: str
    done: str = ""
    is_optional: bool = False
    asks: bool = False


def start_page(
    *,
    refusal: Refused | None = None,
    problem: str = "",
    at: str = "",
    tried: Tried | None = None,
    form: dict[str, str] | None = None,
) -> str:
    """The page. `at` is the step that `refusal`, `problem`, `tried` and `form`, what was typed, belong to."""
    kinds = {kind: client().shop_parts(asker(), kind) for kind in ("lines", "phones", "couriers", "trunks")}
    general, hours = client().general(asker()), client().hours(asker())
    return render_template(
        "start.html",
        steps=first_steps(kinds, general, hours),
        snapshot=snapshot(),
        emulated=client().emulated_modems(asker()),
        kinds=kinds,
        general=general,
        hours=hours,
        free_courier=_free(FIRST_COURIER, kinds),
        free_phone=_free(FIRST_PHONE, kinds),
        refusal=refusal,
        problem=problem,
        at=at,
        tried=tried,
        call_id=request.args.get("call", "")[:64],
        form=form or {},
        transports=transports(),
    )


def first_steps(kinds: dict[str, list[dict[str, Any]]], general: dict[str, str], hours: dict[str, Any]) -> list[Step]:
    """In the order in which they are needed."""
    shown = snapshot()
    ready = [line["name"] for line in shown["lines"] if line["state"] in ("ready", "busy")]
    registered = [phone["extension"] for phone in shown["phones"] if phone["contacts"]]
    has_hours = any(hours.get(day) for day in ("monday", "tuesday", "wednesday", "thursday", "friday"))
    spoken = LANGUAGES.get(general["language"], general["language"])
    recorded = {"all": gettext("all calls"), "couriers": gettext("calls with couriers"), "none": gettext("nothing")}
    return [
        Step(
            "general",
            gettext("Name, language and clock"),
            gettext("The shop's name, the language of its greetings, and its time zone."),
            url_for("parties.general", next=url_for("parties.start")), gettext("View and change"),
            done=f"{general['name']} · {spoken} · {general['time_zone']}",
        ),
        Step(
            "modems",
            gettext("Modems and lines"),
            gettext("Plug a modem in: it appears within seconds. A line is its SIM card, under a name of yours."),
            url_for("parties.parts", kind="lines"), gettext("Lines"), done=", ".join(ready), asks=True,
        ),
        Step(
            "couriers",
            gettext("Couriers"),
            gettext("Each has an extension, such as 2001, and the mobile that it reaches."),
            url_for("parties.parts", kind="couriers"), gettext("Couriers"), asks=True,
            done=", ".join(each["name"] or each["extension"] for each in kinds["couriers"]),
        ),
        Step(
            "phones",
            gettext("A phone for the office"),
            gettext("A desk phone, an app (by a QR code on the page Phones), or this browser with nothing to install."),
            url_for("parties.parts", kind="phones"), gettext("Phones"), asks=True,
            done=gettext("Connected: %(phones)s", phones=", ".join(registered)) if registered else "",
        ),
        Step(
            "trunks",
            gettext("A provider"),
            gettext("With a city number that customers call and see. Without one everything goes by the SIM lines."),
            url_for("parties.parts", kind="trunks"), gettext("Providers"), is_optional=True, asks=True,
            done=", ".join(each["name"] for each in kinds["trunks"]),
        ),
        Step(
            "pbx",
            gettext("A PBX of your own"),
            gettext("Only if the shop already has one: couriers become its extensions. Otherwise skip this."),
            url_for("pbx.page"), gettext("Your PBX"), is_optional=True, done=_at_pbx(kinds["couriers"]),
        ),
        Step(
            "hours",
            gettext("Hours"),
            gettext("Outside these hours callers hear when you open. Without hours the shop is always open."),
            url_for("hours.form"), gettext("Hours"), is_optional=True, done=gettext("Set") if has_hours else "",
            asks=True,
        ),
        Step(
            "greeting",
            gettext("Greeting"),
            gettext("Already switched on: two rings, a greeting, music, and an offer to call back."),
            url_for("reception.page"), gettext("Reception"), asks=True,
            done=gettext("It is on") if client().reception(asker())["rules"]["on"] else "",
        ),
        Step(
            "recording",
            gettext("Recording and its notice"),
            gettext("Nothing is recorded until you decide how people are warned about it."),
            url_for("parties.general", next=url_for("parties.start"), _anchor="recording"),
            gettext("Name, language and clock"), is_optional=True, asks=True,
            done=recorded[general["recorded_calls"]] if general["recorded_calls"] != "none" else "",
        ),
        Step(
            "call",
            gettext("A first call"),
            gettext(
                "A phone rings, the gateway speaks, and you hear yourself. Then call a courier from it:"
                " the call appears on the page Live calls, its recording on the page Calls."
            ),
            url_for("browser_phone.page"), gettext("Phone in this browser"), asks=True,
            done=gettext("Calls have been made") if client().calls(asker(), limit=1)["items"] else "",
        ),
    ]  # fmt: skip


def _at_pbx(couriers: list[dict[str, Any]]) -> str:
    """Who is an extension there."""
    return ", ".join(each["extension"] for each in couriers if each["pbx_password"])


def _free(first: int, kinds: dict[str, list[dict[str, Any]]]) -> str:
    """The first extension from there on that nobody has."""
    taken = {each["extension"] for kind in ("phones", "couriers") for each in kinds[kind]}
    return next(str(number) for number in range(first, 10_000) if str(number) not in taken)
