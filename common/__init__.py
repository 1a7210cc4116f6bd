"""The ground that every package stands on; numpy is all it imports at the start."""

VERSION = "0.1.0"
