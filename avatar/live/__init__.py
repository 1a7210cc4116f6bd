"""Speech that is still going on moves an avatar: sessions, and the server that hosts them."""
