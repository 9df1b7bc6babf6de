"""The GSM driver: from a serial port to a Leg."""
