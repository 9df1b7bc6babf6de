"""Rows of several gateways in one PostgreSQL: what has changed goes there in commit order, and is read there."""
