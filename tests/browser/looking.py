"""Looking at a page as a person would: what sticks out, what axe finds; and the way in for a new owner."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import PanelProcess
from tests.fakes.gateway_thread import PASSWORD

AXE = (Path(__file__).parent / "axe-core-4.14.1" / "axe.min.js").read_text("utf-8")
WIDE, NARROW = ViewportSize(width=1280, height=860), ViewportSize(width=360, height=740)


def set_up(page: Page, panel: PanelProcess) -> None:
    page.goto(panel.url)
    assert page.url.endswith("/setup")
    page.fill("[name=code]", "SETUP-CODE")
    page.fill("[name=name]", "anna")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=password_again]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(panel.url + "/start")
    page.goto(panel.url)


def sideways(page: Page) -> int:
    """How many pixels stick out."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def wait_until(page: Page, condition: str) -> None:
    """Wait for a condition without eval, which the content policy forbids."""
    deadline = time.monotonic() + 10
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(50)


def look(page: Page, what: str, *, judged: tuple[ViewportSize, ...] = (WIDE, NARROW)) -> None:
    """Nothing sticks out, on a screen and on a phone, and axe finds nothing at the sizes that are `judged`."""
    before = page.viewport_size
    # axe comes in by the debugger's door, which the content policy does not guard.
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE})
    for size in (WIDE, NARROW):
        if page.viewport_size != size:
            page.set_viewport_size(size)
        assert sideways(page) <= 0, (what, size)
        if size not in judged:
            continue
        found: Any = session.send(
            "Runtime.evaluate",
            {
                "expression": "axe.run({resultTypes: ['violations'], preload: false}).then((results) => "
                "JSON.stringify(results.violations.map((each) => "
                "[each.id, each.nodes.map((node) => node.target.join(' ')).slice(0, 4)])))",
                "awaitPromise": True,
            },
        )
        violations = [f"{name}: {', '.join(where)}" for name, where in json.loads(found["result"]["value"])]
        assert violations == [], (what, size)
    assert before is not None
    page.set_viewport_size(before)
    session.detach()
