"""Setting up phones."""
