"""Presets, as Python objects; the options themselves live beside what they configure."""
