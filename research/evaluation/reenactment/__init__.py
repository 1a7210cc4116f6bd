"""Whether an avatar does what a filmed face did, and whether the performance tells whose it was."""
