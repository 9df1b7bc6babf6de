"""Copies of everything, sealed with the owner's passphrase, and the way back from them."""
