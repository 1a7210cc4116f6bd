"""Recordings of speech → phones with times → clips whose motion is modelled from the phones."""
