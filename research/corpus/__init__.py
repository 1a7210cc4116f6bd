"""Recordings of speech into clips with motion modelled from phones."""
