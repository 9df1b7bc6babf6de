"""The steps, each frozen once released."""
