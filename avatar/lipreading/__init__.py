"""The mouth alone, as lip reading sees it: grey crops from a mesh or from a video, and a critic."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.lipreading.mouth_view import MouthView as MouthView
    from avatar.lipreading.mouth_view import random_view as random_view
    from avatar.lipreading.render import MouthRenderer as MouthRenderer
    from avatar.lipreading.render import mouth_renderer as mouth_renderer
else:
    __getattr__ = lazy_names(__file__)
