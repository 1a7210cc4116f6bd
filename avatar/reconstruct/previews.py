"""Some views of a capture, their pictures, and how an unfinished avatar looks beside them."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import imageio.v3 as imageio
import torch
from torch import Tensor

from avatar.reconstruct.capture import View
from avatar.reconstruct.capture_pictures import Picture, composite, read_picture
from avatar.reconstruct.capture_reader import shuffled
from common.atomic import write_beside

WHITE = torch.ones(3)
Draw = Callable[[View, Tensor], Tensor]
"""(view, background [3]) → picture [H, W, 3]"""


def some_of(views: Sequence[View], count: int) -> list[View]:
    """At most `count` views, by chance but always the same."""
    return list(islice(shuffled(views, seed=0), min(count, len(views))))


def read_all(views: Sequence[View]) -> list[tuple[View, Picture]]:
    """Views with their pictures."""
    return [(view, read_picture(view)) for view in views]


def mean_psnr(draw: Draw, seen: Sequence[tuple[View, Picture]]) -> float:
    """Mean over the views of 10 log10(1 / mean squared error) on white, in dB."""
    errors = [
        (draw(view, WHITE) - composite(picture, WHITE)).square().mean() for view, picture in seen
    ]
    return float(-10 * torch.log10(torch.stack(errors).clamp(min=1e-10)).mean())


def write_preview(draw: Draw, seen: Sequence[tuple[View, Picture]], path: Path) -> None:
    """A sheet with a column for each view: true picture, drawn picture, absolute difference."""
    columns = []
    for view, picture in seen:
        truth, drawn = composite(picture, WHITE), draw(view, WHITE)
        columns.append(torch.cat([truth, drawn, (truth - drawn).abs()]))
    height = max(len(column) for column in columns)
    padded = [torch.nn.functional.pad(c, (0, 0, 0, 0, 0, height - len(c))) for c in columns]
    sheet = (torch.cat(padded, dim=1) * 255).round().to(torch.uint8).numpy()
    with write_beside(path) as temporary:
        imageio.imwrite(temporary, sheet)


def one_camera(views: Sequence[View]) -> bool:
    """Whether all views are of one camera, though it may move."""
    return len({view.camera_id for view in views}) == 1
