"""The shop as one document: read from a file, checked, kept version by version, changed by its parts."""
