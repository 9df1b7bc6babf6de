"""Stored jobs and what arrives by message."""
