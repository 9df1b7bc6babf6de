"""Which numbers are whose: the ranges of the regulator's registry."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from web.gateway_client import Refused
from web.places import places_of
from web.reader import asker, client
from web.translation import gettext

numbering = Blueprint("numbering", __name__)

LARGEST_REGISTRY_BYTES = 64 * 1024 * 1024


@numbering.get("/shop/numbering")
def page() -> str:
    """How many ranges there are, and where a number is from."""
    return _page()


@numbering.post("/shop/numbering")
def take() -> Response | tuple[str, int]:
    """A file of the registry; its codes take the place of what there was of them."""
    uploaded = request.files.get("file")
    if uploaded is None:
        return redirect(url_for("numbering.page"))
    try:
        ranges = client().take_ranges(asker(), uploaded.stream)
    except Refused as refusal:
        if refusal.status not in (400, 413, 422):
            raise
        return _page(refusal), refusal.status
    flash(gettext("The registry has been imported; known ranges: %(count)s.", count=ranges))
    return redirect(url_for("numbering.page"))


def _page(refusal: Refused | None = None) -> str:
    number = "+" + "".join(each for each in request.args.get("number", "") if each in "0123456789")
    return render_template(
        "numbering.html",
        refusal=refusal,
        number=number if len(number) > 1 else "",
        place=places_of([number]).get(number),
        ranges=client().places(asker(), [])["ranges"],
    )
