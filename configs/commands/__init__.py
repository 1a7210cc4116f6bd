"""The commands: each runs what the packages offer and says what was written."""
