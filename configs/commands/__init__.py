"""The commands: each runs what the rooms offer and says what was written."""
