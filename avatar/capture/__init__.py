"""Tracked captures of heads: read, checked, and streamed from disk."""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from avatar.capture.capture import SPLITS as SPLITS
    from avatar.capture.capture import Capture as Capture
    from avatar.capture.capture import View as View
    from avatar.capture.pictures import Background as Background
    from avatar.capture.pictures import Picture as Picture
    from avatar.capture.pictures import background_colour as background_colour
    from avatar.capture.pictures import composite as composite
    from avatar.capture.pictures import read_labels as read_labels
    from avatar.capture.pictures import read_picture as read_picture
    from avatar.capture.reader import check_same_mesh as check_same_mesh
    from avatar.capture.reader import open_capture as open_capture
    from avatar.capture.reader import split_views as split_views
    from avatar.capture.stream import keeping_reader as keeping_reader
    from avatar.capture.stream import shuffled as shuffled
    from avatar.capture.stream import stream_pictures as stream_pictures
else:
    __getattr__ = lazy_names(__file__)
