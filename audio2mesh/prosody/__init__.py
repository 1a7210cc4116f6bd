"""What a voice does besides words: pitch, loudness, pace, phrases and accents, as it is heard."""
