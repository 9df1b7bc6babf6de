"""The SIP driver: phones, trunks and the media between them and us."""
