"""The vocabulary: what a call is."""
