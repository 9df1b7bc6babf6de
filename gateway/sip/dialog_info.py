"""The document that a busy lamp is lit by: application/dialog-info+xml (RFC 4235 section 4).

Every document is a full one, which the RFC allows at any time: it is as small as a partial one for the few
calls of an extension, and whoever has missed one is right again with the next. An extension without a call
is told as one dialog that is over: an empty list leaves the lamps of older phones lit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias
from xml.sax.saxutils import quoteattr

from gateway.sip.presence import Progress, SeenCall

CONTENT_TYPE = "application/dialog-info+xml"
MOST_CALLS = 10
"""More calls of one extension than this light no lamp any brighter."""


Names: TypeAlias = Callable[[str], tuple[str, str, str] | None]
"""By the id of a leg that rings: the Call-ID and both tags by which it can be picked up."""


def dialog_info(entity: str, version: int, calls: Sequence[SeenCall], names: Names) -> bytes:
    """The document of an extension; `entity` is its URI, `version` counts the documents of one subscription.

    It tells that there is a call, never with whom: a lamp is no reason to show a customer's number. What rings can be
    picked up by the names that it tells.
    """
    root = f'xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" entity={quoteattr(entity)}'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<dialog-info {root}>"]
    if not calls:
        lines.append(f'<dialog id="idle"><state>{Progress.TERMINATED}</state></dialog>')
    for call in calls[:MOST_CALLS]:
        direction = "initiator" if call.is_caller else "recipient"
        rings = call.progress is Progress.EARLY and not call.is_caller
        found = names(call.id) if rings else None
        if found is not None:
            call_id, remote_tag, local_tag = found
            direction += f'" call-id="{call_id}" local-tag="{local_tag}" remote-tag="{remote_tag}'
        lines.append(
            f'<dialog id={quoteattr(call.id)} direction="{direction}"><state>{call.progress}</state>'
            f"<local><identity>{_text(entity)}</identity><target uri={quoteattr(entity)}/></local></dialog>"
        )
    lines.append("</dialog-info>\n")
    return "\n".join(lines).encode()


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
