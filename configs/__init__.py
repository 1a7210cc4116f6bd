"""The command line and its presets; the options themselves live beside what they configure."""

import common.threads  # noqa: F401  before torch is loaded
from common import VERSION as VERSION

BAD_INPUT = 2
