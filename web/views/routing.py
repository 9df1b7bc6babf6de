"""Where calls go: "number X calls Y at time Z" told step by step, and what is to be thought over."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from web.gateway_client import Refused
from web.reader import asker, client, language

routing = Blueprint("routing", __name__)


@routing.get("/shop/routes")
def page() -> str | tuple[str, int]:
    """The box, and with a question in the address every step of that call."""
    told = {name: request.args.get(name, "").strip() for name in ("caller", "called", "at")}
    answer, refusal = None, None
    if told["called"]:
        try:
            answer = client().route_test(asker(), **told)
        except Refused as refused:
            if refused.status not in (400, 422):
                raise
            refusal = refused
    shown = render_template(
        "routes.html",
        told=told,
        answer=answer,
        refusal=refusal,
        advice=client().reception(asker())["advice"],
        branches=client().branches(asker()),
        language=language(),
    )
    return shown if refusal is None else (shown, refusal.status)
