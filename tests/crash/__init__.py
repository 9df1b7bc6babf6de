"""`make crash`: daemons that are killed at any moment, and what is left of calls, recordings, messages and money."""
