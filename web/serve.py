"""Serves the panel: gunicorn, one process with threads, because most of them wait for a browser or the daemon."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types of its own

from web.app import create_app
from web.gateway_client import GatewayClient
from web.own_certificate import PanelCertificate
from web.phone_files import PhoneFiles

THREADS = 32
"""More than the largest audience of the live feed, so that open pages never hold up others."""


log = logging.getLogger(__name__)


class _Server(BaseApplication):  # type: ignore[misc]  # as above
    """gunicorn with our settings; the application is made in the worker process, where its threads live."""

    def __init__(self, make_app: Callable[[], Flask], settings: dict[str, Any]) -> None:
        self._make_app = make_app
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        """Ours, and no file's."""
        for name, value in self._settings.items():
            if name in self.cfg.settings:  # older releases have no control socket to switch off
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application."""
        return self._make_app()


def serve(
    *,
    api_url: str,
    bind: str,
    tls: PanelCertificate | None = None,
    hosts: frozenset[str] = frozenset(),
    phones: str | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `bind` is host:port; the host "lan" serves private addresses only.

    `tls` is what it shows to browsers; None: no TLS. `phones` is the host:port where phones fetch their files.
    """
    host, _, port = bind.rpartition(":")
    only_private = host == "lan"
    settings = {
        "bind": f"0.0.0.0:{port}" if only_private else bind,
        "workers": 1,
        "worker_class": "web.slow_clients.PatientWorker",
        "threads": THREADS,
        "worker_connections": 256,
        "keepalive": 5,
        "graceful_timeout": 1,
        "timeout": 60,
        "proc_name": "simbridge web",
        "loglevel": "warning",
        "limit_request_line": 4094,
        "limit_request_fields": 60,
        "limit_request_field_size": 8190,
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
    }
    if tls is not None:
        context = tls.context  # asked for each connection, so that a new certificate needs no new start
        files = {"certfile": str(tls.certificate), "keyfile": str(tls.key)}
        settings |= {**files, "ssl_context": lambda _config, _make_default: context()}
    names = hosts if host in ("lan", "") else hosts | {host.strip("[]").lower()}

    def make_app() -> Flask:
        port = None
        if phones is not None:
            try:
                files = PhoneFiles(phones, GatewayClient(api_url))
            except OSError as fault:
                log.error("Phones cannot fetch their files at %s: %s", phones, fault)
            else:
                files.start()
                port = files.server_port
        app = create_app(api_url, hosts=names, only_private=only_private, tls=tls, phone_files_port=port)
        Thread(target=compile_templates, args=(app,), name="templates", daemon=True).start()
        return app

    _Server(make_app, settings).run()


def compile_templates(app: Flask, *, pause_seconds: float = 0.05) -> None:
    """Each once, so that the first reader of a page need not wait for it; whoever comes meanwhile comes first."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
        time.sleep(pause_seconds)
