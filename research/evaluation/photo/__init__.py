"""How good an avatar of photos is: on them, from the side, and against the truth."""
