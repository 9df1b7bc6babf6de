"""Call features, one per file, found by being here."""
