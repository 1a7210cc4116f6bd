"""Made-up people as avatars: parts of the library in the light, and people at random."""
