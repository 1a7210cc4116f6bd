"""Synthetic captures with known truth: a procedural head, drawn as a textured mesh."""

from avatar.synthetic.make import make_capture as make_capture
from avatar.synthetic.options import CaptureOptions as CaptureOptions
