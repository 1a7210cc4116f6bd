"""How well a film was tracked, where the truth is known."""
