"""The command line and its presets; the options themselves live beside what they configure."""

import common.threads  # noqa: F401  before torch is loaded

VERSION = "0.1.0"
BAD_INPUT = 2
