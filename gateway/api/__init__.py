"""The HTTP API of the daemon; openapi.json is its contract."""
