"""How the schema came to be, step by step. A release only adds; what it no longer needs goes a release later."""
