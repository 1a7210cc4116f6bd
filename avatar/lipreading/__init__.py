"""The mouth alone, as lip reading sees it: grey crops from a mesh or from a video, and a critic."""

from avatar.lipreading.render import MouthRenderer as MouthRenderer
from avatar.lipreading.render import mouth_renderer as mouth_renderer
from avatar.lipreading.view import MouthView as MouthView
from avatar.lipreading.view import random_view as random_view
