"""Where calls go: "number X calls Y at time Z" told step by step, and what is to be thought over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request

from web.gateway_client import Refused
from web.reader import asker, client, language

routing = Blueprint("routing", __name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """A question that stands in the address, and every step of that call, or why it is not answered."""

    told: dict[str, str]
    answer: dict[str, Any] | None = None
    refusal: Refused | None = None


def route_trial() -> Trial:
    """What is asked in the address of a page that has the box."""
    told = {name: request.args.get(name, "").strip() for name in ("caller", "called", "at")}
    if not told["called"]:
        return Trial(told)
    try:
        return Trial(told, answer=client().route_test(asker(), **told))
    except Refused as refused:
        if refused.status not in (400, 422):
            raise
        return Trial(told, refusal=refused)


@routing.get("/shop/routes")
def page() -> str | tuple[str, int]:
    """The box, the branches, and what is to be thought over."""
    trial = route_trial()
    shown = render_template(
        "routes.html",
        trial=trial,
        advice=client().reception(asker())["advice"],
        branches=client().branches(asker()),
        language=language(),
    )
    return shown if trial.refusal is None else (shown, trial.refusal.status)
