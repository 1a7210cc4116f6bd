"""Compile everything beforehand: each part does a little of the work that needs its kernels."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch

from audio2mesh.sound import SAMPLE_RATE
from avatar.avatar_io.avatar_file import save_avatar
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from avatar.heads import load_head
from avatar.reconstruct.fit import reconstruct
from avatar.reconstruct.options import AvatarTrainOptions, ReconstructOptions
from avatar.rigging.avatar import Avatar
from common.kernels import KERNELS
from common.progress import progress_bar, silence
from common.threads import use_threads
from common.wav_files import write_wav
from configs.options import Part, WarmOptions
from configs.verbs import HAS_RESEARCH
from splat import RawGaussians

SIDE = 64  # pixels of all pictures
LIGHT = "studio"
IN_A_CHECKOUT: tuple[Part, ...] = ("avatars", "training")
"""Parts whose work is in research/, which a wheel has not."""


def main(options: WarmOptions) -> None:
    use_threads(options.threads)
    started = time.monotonic()
    parts: list[Part] = [p for p in options.parts if HAS_RESEARCH or p not in IN_A_CHECKOUT]
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        works = _works(Path(folder))
        _write_inputs(Path(folder))
        with progress_bar("compiling", len(parts), "parts/s") as done:
            for part in parts:
                with silence(), patch.dict(os.environ, VOICESPLAT_CACHE=folder):
                    works[part]()
                done()
    compiled = sum(sum(kernel.stats.cache_misses.values()) for kernel in KERNELS)
    found = sum(sum(kernel.stats.cache_hits.values()) for kernel in KERNELS)
    print(
        f"{compiled} kernels compiled for this processor, {found} were there before, in "
        f"{time.monotonic() - started:.0f} s"
    )


def _works(folder: Path) -> dict[Part, Callable[[], object]]:
    plain, scan = folder / "plain.ply", folder / "scan.obj"
    return {
        "films": partial(_film, plain, folder / "plain.mp4"),
        "light": partial(_film, plain, folder / "lit.mp4", LIGHT),
        "avatars": partial(_capture_and_learn, folder),
        "scans": partial(_film, scan, folder / "scan.mp4"),
        "training": _draw_mouth,
    }


def _write_inputs(folder: Path) -> None:
    """A quarter of a second of noise, and the shipped head, as an avatar and as an unknown mesh."""
    hiss = np.random.default_rng(0).normal(0, 0.03, SAMPLE_RATE // 4)
    write_wav(folder / "hiss.wav", hiss, SAMPLE_RATE)
    head, count = load_head(), len(load_head().faces)
    gaussians = RawGaussians(
        means=torch.zeros(count, 3),
        quats=torch.tensor([1.0, 0, 0, 0]).repeat(count, 1),
        log_scales=torch.full((count, 3), -0.5),
        opacity_logits=torch.full((count,), 3.0),
        sh=torch.zeros(count, 1, 3),
    )
    mesh = head.vertices, head.faces
    save_avatar(folder / "plain.ply", Avatar(gaussians, torch.arange(count), *mesh, head.topology))
    lines = [f"v {x} {y} {z}" for x, y, z in head.vertices.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (head.faces + 1).tolist()]
    (folder / "scan.obj").write_text("\n".join(lines))


def _film(avatar: Path, out: Path, light: str | None = None) -> None:
    voice = avatar.with_name("hiss.wav")
    drive(DriveOptions(avatar, voice, out, width=SIDE, height=SIDE, light=light))


def _capture_and_learn(folder: Path) -> None:
    from research.captures.make import make_capture
    from research.captures.options import CaptureOptions

    seen = folder / "capture"
    make_capture(
        CaptureOptions(
            seen,
            width=SIDE,
            height=SIDE,
            cameras=4,
            timesteps=2,
            held_out_timesteps=0,
            speech=False,
        )
    )
    few = AvatarTrainOptions(steps=4)
    reconstruct(ReconstructOptions(capture=seen, out=folder / "learned.ply", train=few))


def _draw_mouth() -> None:
    from research.lipreading.quick_render import quick_mouth_renderer
    from research.lipreading.render import layer_of

    head = load_head()
    mouth = layer_of(head, torch.device("cpu")).vertices
    quick_mouth_renderer(head)(head.vertices[None, mouth])
