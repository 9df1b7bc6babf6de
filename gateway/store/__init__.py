"""What must outlive the process: one SQLite store."""
