"""Broken SIP, by rules and at random: a short form in tests/sip/test_anomalies.py, a long one by `make fuzz`."""
