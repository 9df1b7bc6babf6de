"""The SIP driver: from datagrams to a Leg."""
