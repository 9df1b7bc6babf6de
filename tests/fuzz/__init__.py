"""Broken SIP, and speech that might be keys: short forms in tests/sip and tests/audio, the long one by `make fuzz`."""
