"""Synthetic captures with known truth: a procedural head, drawn as a textured mesh."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.synthetic.capture.make import make_capture as make_capture
    from avatar.synthetic.capture.options import CaptureOptions as CaptureOptions
else:
    __getattr__ = lazy_names(__file__)
