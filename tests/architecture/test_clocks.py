"""What waits goes by the loop's time: a clock that is set moves no registration and ends no ban (X-T1)."""

from __future__ import annotations

import ast

from tests.architecture.source import modules

READS_THE_DATE = {
    "gateway/sip/capture.py": "a trace says when it was",
    "gateway/sip/certificate.py": "how long it is good",
    "gateway/sip/login_book.py": "until when a ban lasts, as the panel shows it",
    "gateway/sip/registrar.py": "the Date header, and what a restart takes over",
    "gateway/sip/self_signed.py": "from when to when it is good",
    "gateway/sip/server.py": "gives it to the registrar",
}
_CLOCKS = {"WallClock", "utc_now", "datetime.now", "datetime.utcnow", "time.time"}


def test_nothing_of_sip_waits_by_the_date() -> None:
    found = {
        module.path
        for module in modules("gateway")
        if module.path.startswith("gateway/sip/")
        and any(
            ast.unparse(node) in _CLOCKS for node in ast.walk(module.tree) if isinstance(node, ast.Attribute | ast.Name)
        )
    }
    assert found == set(READS_THE_DATE)
