"""Renders the pieces of "we are open again on Monday at nine": `python -m gateway.audio.prompts.render_hours`."""

from __future__ import annotations

import sys
import tomllib

from gateway.audio.frame import SAMPLE_RATE
from gateway.audio.prompts import HOURS
from gateway.audio.prompts.render import levelled, spoken, write


def main() -> int:
    """Render every piece; the exit status is 0 when all were written."""
    texts = tomllib.loads((HOURS / "texts.toml").read_text(encoding="utf-8"))
    for language, pieces in texts.items():
        for key, text in pieces.items():
            samples = levelled(spoken(text, language))
            path = HOURS / language / f"{key}.wav"
            path.parent.mkdir(exist_ok=True)
            write(path, samples)
            sys.stdout.write(f"{language}/{key}: {len(samples) / SAMPLE_RATE:.2f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
