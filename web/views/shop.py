"""The shop as a file: look at it, take it away, bring it back."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from web.gateway_client import Refused
from web.notices import flash_not_done
from web.reader import asker, client
from web.translation import gettext
from web.undo import offer_shop_undo, shop_number, withdraw_offer
from web.views.entry import own_path

shop = Blueprint("shop", __name__)


@shop.get("/shop")
def page() -> str:
    """The text, ready to be edited."""
    return render_template("shop.html", text=client().shop_text(asker()), refusal=None)


@shop.post("/shop")
def take() -> str | AnyResponse | tuple[str, int]:
    """Take the edited text, or an uploaded file, all or nothing."""
    uploaded = request.files.get("file")
    try:
        text = uploaded.read().decode("utf-8") if uploaded and uploaded.filename else request.form.get("text", "")
    except UnicodeDecodeError:
        flash_not_done(gettext("That file is not a text file."))
        return redirect(url_for("shop.page"))
    text = text.replace("\r\n", "\n")
    was = shop_number()
    try:
        changed = client().import_shop(asker(), text)
    except Refused as refusal:
        if refusal.status >= 500:
            raise
        return render_template("shop.html", text=text, refusal=refusal), refusal.status
    if changed:
        offer_shop_undo(gettext("The shop has been changed."), was, back=url_for("shop.page"))
    else:
        flash(gettext("No differences."))
    return redirect(url_for("shop.page"))


@shop.get("/shop/versions")
def versions() -> str:
    """The last changes, and the way back before each."""
    return render_template("shop_versions.html", versions=client().shop_versions(asker()))


@shop.post("/shop/versions/<int:version>/restore")
def restore(version: int) -> AnyResponse:
    """Make the shop again what it was."""
    client().restore_shop(asker(), str(version))
    flash(gettext("The shop is as it was before. This change, too, can be undone."))
    return redirect(url_for("shop.versions"))


@shop.post("/shop/undo")
def undo() -> AnyResponse:
    """Take the last change back, unless somebody has made another one since."""
    withdraw_offer()
    versions = client().shop_versions(asker())
    if not versions or str(versions[0]["number"]) != request.form.get("after"):
        flash_not_done(gettext("The shop has been changed again since. Choose here what to undo."))
        return redirect(url_for("shop.versions"))
    client().restore_shop(asker(), request.form.get("version", "")[:16])
    flash(gettext("The shop is as it was before. This change, too, can be undone."))
    return redirect(own_path(request.form.get("back", "/shop")))


@shop.get("/shop/shop.toml")
def export() -> Response:
    """The text as a file, secrets masked."""
    return Response(
        client().shop_text(asker()),
        mimetype="application/toml",
        headers={"Content-Disposition": 'attachment; filename="shop.toml"'},
    )
