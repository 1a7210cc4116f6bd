"""Heads, binding, avatar files and driving: composes audio2mesh and splat."""

import common.threads  # noqa: F401  before torch is loaded
