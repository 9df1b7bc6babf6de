"""Tests of gateway.audio."""
