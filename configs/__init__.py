"""The command line and its presets; the options themselves live beside what they configure."""

VERSION = "0.1.0"
