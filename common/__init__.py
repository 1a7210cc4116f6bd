"""The ground that every package stands on; numpy is all it imports at the start."""
