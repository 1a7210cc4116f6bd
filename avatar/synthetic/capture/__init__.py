"""Synthetic captures with known truth: a procedural head, drawn as a textured mesh."""

from avatar.synthetic.capture.make import make_capture as make_capture
from avatar.synthetic.capture.options import CaptureOptions as CaptureOptions
