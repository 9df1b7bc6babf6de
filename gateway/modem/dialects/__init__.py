"""What each modem family says: one family, one file."""
