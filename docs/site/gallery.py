"""What the gallery shows, made while the site is built: a page and a picture of each avatar."""

import io
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

import numpy as np
import torch
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from PIL import Image

from avatar.avatar_io.avatar_file import load_avatar
from avatar.drive.options import ViewOptions
from avatar.drive.render_context import light_colours
from avatar.drive.view import motion_on_page, plan_view, view_page
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.video.camera_path import DISTANCE, portrait
from common.assets import DEMO_AVATAR, DEMO_VOICE
from splat import orbit, rgb_to_sh

SIDE, BEHIND = 512, (0.8, 0.8, 0.81)


@dataclass(frozen=True)
class Shown:
    """One entry: a page, and how its picture is taken."""

    name: str
    options: ViewOptions
    second: float
    azimuth: float = 0.0
    light: str | None = None  # of the page's, in which the picture is taken


ENTRIES = (
    Shown("speaker", ViewOptions(avatar=DEMO_AVATAR, audio=DEMO_VOICE), 0.8, 20),
    Shown(
        "happy",
        ViewOptions(avatar=DEMO_AVATAR, audio=DEMO_VOICE, emotion="happy", style="lively"),
        4.2,
    ),
    Shown(
        "angry",
        ViewOptions(avatar=DEMO_AVATAR, audio=DEMO_VOICE, emotion="angry", style="reader"),
        2.4,
        -25,
    ),
    Shown(
        "lights",
        ViewOptions(
            avatar=DEMO_AVATAR,
            audio=DEMO_VOICE,
            lights=("studio", "window", "golden-hour", "stage", "night-street"),
        ),
        6.0,
        30,
        "stage",
    ),
)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what `gallery.md` leads to."""
    for entry in ENTRIES:
        for suffix, content in zip(("html", "jpg"), made(entry), strict=True):
            files.append(File.generated(config, f"gallery/{entry.name}.{suffix}", content=content))
    return files


@cache
def made(entry: Shown) -> tuple[bytes, bytes]:
    """The page, and the picture as JPEG."""
    return view_page(entry.options), picture(entry)


def picture(entry: Shown) -> bytes:
    plan = plan_view(entry.options)
    avatar = load_avatar(entry.options.avatar)
    motion = motion_on_page(plan, avatar)
    assert motion is not None
    vertices = next(islice(motion.meshes(), int(entry.second * motion.fps), None))
    gaussians = avatar_rig(avatar, torch.device("cpu"))(vertices)
    if entry.light:
        lights = {entry.light: plan.lights[entry.light]}
        colours = light_colours(lights, motion.face, plan.files)[entry.light]
        gaussians = replace(gaussians, sh=rgb_to_sh(torch.from_numpy(colours) / 255)[:, None])
    target, extent = portrait(avatar)
    degrees = float(np.degrees(2 * np.arctan(extent / 2 / DISTANCE)))
    camera = orbit(target, DISTANCE, entry.azimuth, 0.0, degrees, SIDE, SIDE)
    pixels = rasterizer("cpu", torch.tensor(BEHIND))(gaussians, camera).clamp(0, 1) * 255
    stream = io.BytesIO()
    Image.fromarray(pixels.byte().numpy()).save(stream, "JPEG", quality=88)
    return stream.getvalue()
