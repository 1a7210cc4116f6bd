"""Colours as the command line writes them."""

import pytest

from common.colours import parse_colour


def test_colours_are_hex_or_named():
    assert parse_colour("#ff8000") == pytest.approx((1, 128 / 255, 0))
    assert parse_colour("White") == (1, 1, 1)
    with pytest.raises(ValueError, match=r"'#12345'.*#rrggbb"):
        parse_colour("#12345")
