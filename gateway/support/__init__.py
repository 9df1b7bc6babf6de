"""What an owner may send to who helps: everything about the machine, nothing about people."""
