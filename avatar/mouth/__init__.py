"""The mouth alone, as lip reading sees it: grey crops from a mesh or from a video, and a critic."""

from avatar.mouth.render import MouthRenderer as MouthRenderer
from avatar.mouth.render import mouth_renderer as mouth_renderer
from avatar.mouth.view import MouthView as MouthView
from avatar.mouth.view import random_view as random_view
