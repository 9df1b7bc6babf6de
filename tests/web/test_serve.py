"""What the panel's process does beside answering."""

from __future__ import annotations

from web.app import create_app
from web.serve import compile_templates


def test_templates_are_compiled_before_anybody_waits_for_them() -> None:
    app = create_app("http://127.0.0.1:9")
    cache, names = app.jinja_env.cache, app.jinja_env.list_templates()
    assert cache is not None
    assert len(cache) == 0
    compile_templates(app, pause_seconds=0)
    assert len(cache) == len(names) > 80
