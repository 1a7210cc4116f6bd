"""Files of sound → samples, their level, and the log-mel spectrum."""

SAMPLE_RATE = 16_000
"""Samples per second of all sound inside the project."""
