"""Colours as the command line writes them."""

import re

from common.errors import InputError

NAMED = {"white": "#ffffff", "black": "#000000", "grey": "#808080", "green": "#00b140"}


def parse_colour(text: str) -> tuple[float, float, float]:
    """Red, green, blue in [0, 1] of #rrggbb or a name; InputError says what is understood."""
    code = NAMED.get(text.lower(), text)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", code):
        names = ", ".join(NAMED)
        raise InputError(f"{text!r} is not a colour; write #rrggbb or one of {names}")
    red, green, blue = (int(code[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue
