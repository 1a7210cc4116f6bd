"""How fast each part is on this machine."""
