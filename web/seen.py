"""Whether what a form was filled from is still so: two people, or two windows, may have the same form open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from flask import request

FIELD = "seen"
"""The hidden field of a form that says what it was filled from."""


def mark_of(values: Mapping[str, Any]) -> str:
    """A short word for these values, as the API gives them: another one for any others."""
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:20]


def is_outdated(values: Mapping[str, Any]) -> bool:
    """The form that was sent was filled from others than these of now. One that does not say is taken as it is."""
    return request.form.get(FIELD, "") not in ("", mark_of(values))
