"""simbridge: a gateway between USB GSM modems and SIP, for a small shop."""

__version__ = "0.1.0"
