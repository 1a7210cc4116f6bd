"""Synthetic captures and films with known truth: a procedural head, drawn as a textured mesh."""
