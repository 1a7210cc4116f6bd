"""How light falls on a head: shadows, lamps and skies, and colours under them."""
