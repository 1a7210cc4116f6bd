"""What the painted portrait and the captured person have in common."""
