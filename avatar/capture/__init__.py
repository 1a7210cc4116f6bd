"""Tracked captures: many pictures of one head, with a camera and a mesh for each."""

from avatar.capture.capture import Capture as Capture
from avatar.capture.capture import View as View
