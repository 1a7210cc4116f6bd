"""Feelings on a speaking face: presets, their course in time, and gates that keep lips speaking."""
