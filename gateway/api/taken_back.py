"""What became of a table that was taken back: of contacts, or of orders."""

from __future__ import annotations

from typing import Any

from gateway.api.problems import NotFound

_KEPT_TOLD = 20


def taken_back_wire(done: Any) -> dict[str, object]:
    """The schema `TakenBack`, of what has `restored` and `kept`. Raises NotFound for None: it was too late."""
    if done is None:
        raise NotFound("That table cannot be taken back any more.")
    kept = list(done.kept)
    return {"restored": done.restored, "kept": len(kept), "kept_names": kept[:_KEPT_TOLD]}
