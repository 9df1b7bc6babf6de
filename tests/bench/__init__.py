"""The bench: delay, set-up times and cost of bridged and recorded calls, on emulated modems and SIP phones."""
