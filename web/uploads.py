"""Where files lie while they are sent: on the disk, not in a /tmp that is memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from tempfile import SpooledTemporaryFile
from typing import IO

from flask import Request

KEPT_IN_MEMORY_BYTES = 512 * 1024
SPARE_BYTES = 200_000_000
"""So much of the disk is left to the running gateway, whatever is sent."""


class PanelRequest(Request):
    """A request whose larger files are kept in the one directory that the panel's user may write into."""

    def _get_file_stream(
        self,
        total_content_length: int | None,  # noqa: ARG002  # Werkzeug's signature
        content_type: str | None,  # noqa: ARG002  # as above
        filename: str | None = None,  # noqa: ARG002  # as above
        content_length: int | None = None,  # noqa: ARG002  # as above
    ) -> IO[bytes]:
        return SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES, "rb+", dir=_directory())


def room_bytes() -> int:
    """How much may be sent without filling the disk."""
    return max(0, shutil.disk_usage(_directory()).free - SPARE_BYTES)


def _directory() -> str:
    """STATE_DIRECTORY: systemd.exec(5); without systemd, where temporary files always go."""
    return os.environ.get("STATE_DIRECTORY") or tempfile.gettempdir()
