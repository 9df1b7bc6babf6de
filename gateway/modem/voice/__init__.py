"""Where the voice of a modem is read and written."""
