"""The demo: everything on emulated modems, and the checks that play it without a person."""
