"""Content credentials: who made a file, of what, with whose consent; and whether it was changed."""
