"""What a voice does besides words: pitch, loudness, phrases and accents, as it is heard."""
