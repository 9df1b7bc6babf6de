"""The panel: a Flask application that knows the daemon only by its API.

It keeps nothing: the session is the API's token in a cookie, and what is shown is asked for anew.
"""

from __future__ import annotations

import secrets
from functools import cache
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFError, CSRFProtect
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException
from werkzeug.wrappers import Response as AnyResponse

from web import formats, parts, reader
from web.gateway_client import GatewayAway, GatewayClient, Refused
from web.kept_filters import remember_filters
from web.own_certificate import PanelCertificate
from web.own_phone import fresh_key, own_phone
from web.plain_words import plain_words
from web.security import SESSION_COOKIE, nonce, protect
from web.seen import FIELD, mark_of
from web.signal_line import signal_lines
from web.site_door import SiteDoor
from web.translation import gettext
from web.undo import undo_offer
from web.unsent import unsent
from web.uploads import PanelRequest, room_bytes
from web.views.access import access
from web.views.alerting import alerting
from web.views.audit import audit
from web.views.blocking import blocking
from web.views.browser_phone import browser_phone
from web.views.calling import calling
from web.views.certificate import CERTIFICATE, certificate
from web.views.comments import comments
from web.views.contacts import LARGEST_CONTACTS_BYTES, contacts
from web.views.entry import entry, own_path
from web.views.erasing import erasing
from web.views.finding import finding
from web.views.first_run import first_run
from web.views.history import history
from web.views.hours import hours
from web.views.line_rules import line_rules
from web.views.modems import modems
from web.views.my_orders import my_orders
from web.views.news import news
from web.views.numbering import LARGEST_REGISTRY_BYTES, numbering
from web.views.order_status import order_status
from web.views.ordering import ordering
from web.views.overview import overview
from web.views.parties import parties
from web.views.pbx import pbx
from web.views.phone_setup import PORT, phone_setup
from web.views.playground import playground
from web.views.prompts import LARGEST_SOUND_BYTES, prompts
from web.views.queueing import queueing
from web.views.reception import reception
from web.views.reports import reports
from web.views.restoring import LARGEST_BACKUP_BYTES, restoring
from web.views.routing import routing
from web.views.second_step import second_step
from web.views.shared import shared
from web.views.shop import shop
from web.views.site import site
from web.views.system import system
from web.views.texting import texting
from web.views.toll_free import toll_free
from web.views.webhooks import webhooks
from web.views.wrong_passwords import wrong_passwords

_SPRITE = "/static/vendor/lucide-static-1.62.0/icons.svg"
LARGEST_FORM_BYTES = 1024 * 1024
_OPEN_TO_ALL = frozenset({"static", "entry.login", "entry.finish_login", "entry.finish_code", "entry.preferences"})
_FOR_SETUP = frozenset(
    {"static", "entry.setup", "entry.finish_setup", "entry.preferences"}
    | {"restoring.at_setup", "restoring.take_at_setup"}
)
_LARGER_FORMS = {
    "contacts.take": LARGEST_CONTACTS_BYTES,
    "numbering.take": LARGEST_REGISTRY_BYTES,
    "prompts.take": LARGEST_SOUND_BYTES,
    "restoring.take_at_setup": LARGEST_BACKUP_BYTES,
    "restoring.take": LARGEST_BACKUP_BYTES,
}


def create_app(
    api_url: str,
    *,
    hosts: frozenset[str] = frozenset(),
    only_private: bool = False,
    tls: PanelCertificate | None = None,
    phone_files_port: int | None = None,
) -> Flask:
    """The application. `hosts` are further names it may be called by; `tls` is what it is served by TLS with.

    `phone_files_port` is where phones fetch their files; None: nowhere.
    """
    app = Flask(__name__)
    app.request_class = PanelRequest
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="simbridge_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=tls is not None,
        WTF_CSRF_TIME_LIMIT=None,
        MAX_CONTENT_LENGTH=LARGEST_FORM_BYTES,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config[PORT] = phone_files_port
    app.config[CERTIFICATE] = tls
    app.extensions["simbridge"] = reader.Panel(GatewayClient(api_url))
    protect(app, names=lambda: hosts | (tls.names if tls is not None else frozenset()), only_private=only_private)
    app.before_request(_allow_larger_forms)
    CSRFProtect(app)
    Babel(app, locale_selector=reader.language)
    for blueprint in (
        modems,
        routing, toll_free, alerting, webhooks,
        entry, restoring, system, access, audit, second_step, my_orders, ordering, order_status, overview, line_rules,
        history, reports, hours, erasing, prompts, playground, phone_setup, numbering, shop, news, texting, contacts,
        queueing, reception, first_run, calling, comments, certificate, shared, site, browser_phone, pbx, finding,
        parties, blocking, wrong_passwords,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    app.before_request(_send_to_the_door)
    remember_filters(app)
    app.wsgi_app = SiteDoor(app.wsgi_app, app.extensions["simbridge"].client)  # type: ignore[method-assign]  # Flask's way
    _teach_templates(app)
    _answer_errors(app)
    return app


def _allow_larger_forms() -> None:
    """Before anybody looks into the form, as the protection against foreign forms does; for those alone who may."""
    if request.method != "POST" or request.endpoint not in _LARGER_FORMS:
        return
    if request.endpoint not in _FOR_SETUP:
        may_send = bool(request.cookies.get(SESSION_COOKIE)) and reader.may("shop")
    else:
        may_send = reader.panel().client.setup_needed(reader.asker())
    if may_send:
        request.max_content_length = min(_LARGER_FORMS[request.endpoint], room_bytes())


def _send_to_the_door() -> AnyResponse | None:
    """Until there is an owner every route leads to the set-up; after that, without a session, to the sign-in."""
    panel = reader.panel()
    if not panel.is_set_up and request.endpoint != "static":
        panel.is_set_up = not panel.client.setup_needed(reader.asker())
    if not panel.is_set_up:
        return None if request.endpoint in _FOR_SETUP else redirect(url_for("entry.setup"))
    if request.endpoint in _OPEN_TO_ALL | _FOR_SETUP or request.cookies.get(SESSION_COOKIE):
        return None
    return _to_login()


def _whole_page(place: str) -> AnyResponse:
    """To another page; a part of a page asks the whole page to load anew, which then goes there."""
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return redirect(place)


def _to_login() -> AnyResponse:
    """To the sign-in form, and back afterwards: from a form that was sent in vain, to its page."""
    is_page = request.method == "GET" and request.endpoint not in ("overview.part", "news.stream")
    back = request.full_path.rstrip("?") if is_page else None
    if request.method == "POST":
        back = _page_of_form()
    return unsent(_whole_page(url_for("entry.login", next=back if back != "/" else None)))


def _page_of_form() -> str:
    """The page from which a form was sent, as far as the browser says so."""
    page = urlsplit(request.referrer or "")
    return own_path(f"{page.path}?{page.query}" if page.query else page.path) if page.netloc == request.host else "/"


def _teach_templates(app: Flask) -> None:
    @app.context_processor
    def words() -> dict[str, object]:
        locale = get_locale()
        return {
            "nonce": nonce,
            "language": locale.language if locale is not None else "en",
            "languages": reader.LANGUAGES,
            "theme": reader.theme(),
            "themes": reader.THEMES,
            "words": reader.words,
            "parts": parts,
            "is_signed_in": bool(request.cookies.get(SESSION_COOKIE)),
            "render_part": parts.render,
            "shop_name": lambda: reader.snapshot()["shop"]["name"],
            "icon": icon,
            "is_missed": parts.is_missed,
            "is_self_served": parts.is_self_served,
            "is_turned_away": parts.is_turned_away,
            "undo_offer": undo_offer,
            "may": reader.may,
            "is_emulated": lambda: bool(reader.snapshot()["emulated"]),
            "own_phone": own_phone,
            "fresh_key": fresh_key,
            "seen_field": FIELD,
            "mark_of": mark_of,
        }

    app.add_template_filter(lambda number: formats.phone_number(number, reader.snapshot()["shop"]["country"]), "phone")
    app.add_template_filter(lambda text: formats.moment(text, reader.time_zone(), reader.now()), "moment")
    app.add_template_filter(lambda text: formats.exact_moment(text, reader.time_zone()), "exact")
    app.add_template_filter(lambda text: formats.day_name(text, reader.time_zone(), reader.now()), "day")
    app.add_template_filter(lambda text: formats.clock(text, reader.time_zone()), "clock")
    app.add_template_filter(plain_words, "plain_words")
    app.add_template_filter(formats.duration, "duration")
    app.add_template_filter(formats.file_size, "file_size")
    app.add_template_filter(formats.quality, "quality")
    app.add_template_filter(formats.seconds, "seconds")
    app.add_template_filter(formats.decimal, "decimal")
    app.add_template_filter(formats.decibels, "decibels")
    app.add_template_filter(lambda history: signal_lines(history, reader.now()), "signal_lines")


@cache
def icon(name: str) -> Markup:
    """A picture beside a word, which is why readers of screens need not hear of it."""
    return Markup('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>').format(_SPRITE, name)


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(GatewayAway)
    def away(_error: GatewayAway) -> AnyResponse:
        return unsent(make_response(render_template("away.html"), 503))

    @app.errorhandler(Refused)
    def refused(refusal: Refused) -> AnyResponse | tuple[str, int]:
        if refusal.status == 401:
            response = _to_login()
            response.delete_cookie(SESSION_COOKIE, samesite="Lax", httponly=True)
            return response
        if refusal.code == "second-step-needed":
            return _whole_page(url_for("second_step.page"))
        if refusal.code == "forbidden" and request.endpoint == "overview.dashboard":
            return redirect(url_for("my_orders.page"))
        return _plain(refusal.title, refusal.detail or refusal.advice, refusal.status)

    @app.errorhandler(CSRFError)
    def old_form(_error: CSRFError) -> AnyResponse:
        title = gettext("This form has expired.")
        text = gettext("Open its page again: what you entered is there. Check it and send it again.")
        page = render_template("plain.html", title=title, text=text, back=_page_of_form())
        return unsent(make_response(page, 400))

    @app.errorhandler(405)
    def only_takes_forms(error: HTTPException) -> AnyResponse | tuple[str, int]:
        """Somebody has opened the address of a form's answer anew: the page of the form is nearest above it."""
        place = request.path
        while request.method == "GET" and (place := place.rpartition("/")[0]):
            if _is_page(place):
                return redirect(place)
        return http(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> tuple[str, int]:
        titles = {
            404: gettext("There is no such page."),
            413: gettext("That is too large."),
            421: gettext("The panel cannot be opened by this name."),
        }
        title = titles.get(error.code or 500, gettext("That did not work."))
        return _plain(title, "", error.code or 500)


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RoutingException):
        return False
    return True


def _plain(title: str, text: str, status: int) -> tuple[str, int]:
    return render_template("plain.html", title=title, text=text), status
