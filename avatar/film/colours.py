"""Colours as the command line writes them."""

import re

import torch
from torch import Tensor

from common.errors import InputError

NAMED = {"white": "#ffffff", "black": "#000000", "grey": "#808080", "green": "#00b140"}


def parse_colour(text: str) -> Tensor:
    """RGB [3] in [0, 1] of #rrggbb or a name. Raises InputError that says what is understood."""
    code = NAMED.get(text.lower(), text)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", code):
        names = ", ".join(NAMED)
        raise InputError(f"{text!r} is not a colour; write #rrggbb or one of {names}")
    return torch.tensor([int(code[k : k + 2], 16) / 255 for k in (1, 3, 5)])
