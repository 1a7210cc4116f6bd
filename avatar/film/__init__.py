"""Pictures and sound → a film, and back."""
