"""Pictures of made-up people's heads, the people on them, and what LiteRT answers to them."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from avatar.avatar_io.avatar_file import load_avatar
from avatar.photo.fit import fit
from avatar.photo.photograph import see
from avatar.photo.subject import Scene, subject_scene
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import load_face_finder
from avatar.vision.mattes import load_matting
from splat import orbit

DATA = Path(__file__).parent / "avatar" / "vision" / "data"
HEADS = ("woman", "bob", "man")
SIZE = 256
DEMO = Path(__file__).parents[1] / "assets" / "demo_avatar.ply"


def head(name: str, size: int = SIZE) -> Tensor:
    """A picture [size, size, 3] in [0, 1] of one of HEADS."""
    picture = (
        Image.open(DATA / f"{name}.png")
        .convert("RGB")
        .resize((size, size), Image.Resampling.LANCZOS)
    )
    return torch.from_numpy(np.array(picture, np.float32) / 255)


def scene(name: str, folder: Path) -> Scene:
    """The person on a picture of one of HEADS that is saved in a folder."""
    path = folder / f"{name}.png"
    Image.fromarray((head(name, 384).numpy() * 255).astype(np.uint8)).save(path)
    photo = see(path, load_face_finder(), load_matting(), focal=1.2)
    return subject_scene(fit([photo]), np.random.default_rng(0))


def answers(name: str) -> dict[str, NDArray[np.float32]]:
    """What the published networks answer to one of HEADS."""
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def on_grey(height: int, width: int, *heads: tuple[str, int, int, int]) -> Tensor:
    """Heads (name, size, left, top) on a grey picture [H, W, 3]."""
    picture = torch.full((height, width, 3), 0.4)
    for name, size, left, top in heads:
        picture[top : top + size, left : left + size] = head(name, size)
    return picture


def turned_demo(yaw: float) -> Tensor:
    """The demo avatar [384, 384, 3] from so many degrees to the side."""
    avatar = load_avatar(DEMO)
    rig, draw = avatar_rig(avatar, torch.device("cpu")), rasterizer("cpu", torch.full((3,), 0.4))
    camera = orbit(avatar.vertices.mean(0), 1.3, yaw, 0.0, 20.0, width=384, height=384)
    return draw(rig(avatar.vertices), camera).clamp(0, 1)


def drawing() -> Tensor:
    """A face [400, 400, 3] of a few strokes on white."""
    paper = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(paper)
    pen.ellipse((80, 60, 320, 360), outline="black", width=4)
    for left in (140, 230):
        pen.ellipse((left, 150, left + 30, 180), fill="black")
    pen.line((200, 190, 200, 240), fill="black", width=4)
    pen.arc((140, 200, 260, 300), 20, 160, fill="black", width=5)
    return torch.from_numpy(np.array(paper)) / 255


def masked() -> Tensor:
    """A man with a mask over mouth and chin [256, 256, 3]."""
    picture = head("man")
    picture[155:205, 80:180] = torch.tensor([0.5, 0.7, 0.9])
    return picture
