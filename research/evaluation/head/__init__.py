"""How heads, eyes, brows and lids move while somebody speaks, beside what real people's do."""
