"""Heads, binding, avatar files and driving: composes audio2mesh and splat."""
