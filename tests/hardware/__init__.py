"""What only real hardware can show; not part of `make test`. See `make hardware`."""
