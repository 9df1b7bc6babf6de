"""The panel: a Flask process that knows the daemon only by its API."""
