"""The frame loop: motion → vertices → pictures → a film.

On the CPU frames are drawn one by one. A device draws batches of frames, from coefficients to 8-bit
pictures, which the host encodes; it shades a batch under a light.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, islice, tee
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from avatar.avatar_io.motion_file import Frame
from avatar.drive.motion import Moving
from avatar.drive.render_context import Behind, RenderContext
from avatar.drive.report import DeviceClock, PhaseClock, timed
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import batch_rig, draw_frames
from avatar.trust.consent import consent_line
from avatar.trust.manifest import SIGNED, Seal, sign_output
from avatar.video.layers import label_of, laid_over
from avatar.video.sound import Sound
from avatar.video.writer import ENCODERS, open_writer, takes_nv12
from avatar.video.yuv import nv12, rgb8
from common.parallel import in_pairs
from common.progress import progress_bar
from common.threads import thread_count
from splat import Backend, Camera, Gaussians

if TYPE_CHECKING:
    from avatar.lighting.relight import Lit

MOST = 32
"""Frames in a batch: gsplat packs frame, tile and depth into 64 bits."""
BYTES_AT_ONCE = 2**30
"""Estimated memory of a batch's Gaussians and pictures."""


class Sample(NamedTuple):
    """A frame before its mesh is computed."""

    number: int
    moved: Tensor  # [V, 3] offsets from rest, or vertices
    camera: Camera
    behind: Tensor | None  # [H, W, 3] in [0, 1]


Pictures = Iterator[tuple[Tensor, Tensor]]
"""Of every frame the picture, [H, W, 3] or as `nv12` makes it, and, on the CPU, the `moved` that it
shows."""


@dataclass(frozen=True)
class Film:
    """The file of a film, and its sound."""

    out: Path
    size: tuple[int, int]
    sound: Sound | None
    doing: str  # text of the progress bar
    label: str = ""  # text that is burned in
    seal: Seal | None = None


@dataclass(frozen=True)
class BatchRenderer:
    """Makes 8-bit pictures of batches of moved meshes."""

    rig: Callable[[Tensor], Gaussians]  # vertices [f, V, 3] → world Gaussians [f, N, ..]
    draw: Callable[[Gaussians, list[Camera], Tensor | None], Tensor]
    """(Gaussians, cameras, pictures behind [f, H, W, 3]) → [f, H, W, 3], or 4 with alpha"""
    planar: bool  # pictures as `nv12` makes them, else RGB
    light: "Lit | None" = None


def ignore(moved: Frame) -> None:
    """What a film does with its motion where nobody wants it."""


def shoot(
    film: Film,
    context: RenderContext,
    move: Callable[[torch.device | None], Moving],
    cameras: Iterable[Camera],
    clock: PhaseClock,
    save: Callable[[Frame], None] = ignore,
) -> None:
    """Every frame: move the mesh, skin the Gaussians, draw, encode.

    move: the moving mesh on a device; save: takes each frame's offsets. Nothing half-written
    is left. Raises as `open_writer` does.
    """
    if context.avatar.origin or context.avatar.consent:
        print(consent_line(context.avatar.consent), file=sys.stderr)
    label = label_of(film.label, film.size) if film.label else None
    renderer = batch_renderer_of(context, film, label)
    moved = move(None if renderer is None else context.device)
    if renderer is None:
        pictures = one_by_one(context, moved, cameras, clock, label)
    else:
        at_once = frames_at_once(context.avatar, *film.size)
        on_device = DeviceClock(clock, context.device)
        samples = samples_of(context.behind, moved, cameras, on_device)
        pictures = many_at_once(renderer, moved, samples, at_once, on_device)
    provenance = "; ".join(filter(None, (context.avatar.provenance, film.seal and SIGNED)))
    frames, alpha = 0, context.background is None
    encoders = ENCODERS if renderer is None else thread_count()
    with (
        open_writer(
            film.out, *film.size, moved.fps, film.sound, provenance, alpha, encoders
        ) as write,
        progress_bar(film.doing, moved.frames) as done,
    ):
        for image, shown in pictures:
            with clock.stage("encode"):
                write(image.numpy())
                save(shown.numpy())
            done()
            frames += 1
        assert frames == moved.frames, (frames, moved.frames)
    with clock.stage("encode"):
        sign_output(film.out, film.seal)


def one_by_one(
    context: RenderContext,
    moved: Moving,
    cameras: Iterable[Camera],
    clock: PhaseClock,
    label: Tensor | None = None,
) -> Pictures:
    """Pictures [H, W, 3 or 4] uint8, two at a time on the CPU."""

    def drawn(sample: Sample) -> tuple[Tensor, Tensor]:
        number, offsets, camera, behind = sample
        with clock.stage("rig"):
            vertices = moved.vertices(offsets, number)
            gaussians = context.gaussians(
                vertices, camera, number / moved.fps, lambda stiff: moved.swing(stiff, number)
            )
        with clock.stage("raster"):
            return laid_over(context.raster(gaussians, camera, behind), label), offsets

    samples = samples_of(context.behind, moved, cameras, clock)
    return (in_pairs if context.backend == "cpu" else map)(drawn, samples)


def samples_of(
    behind: Behind, moved: Moving, cameras: Iterable[Camera], clock: PhaseClock | DeviceClock
) -> Iterator[Sample]:
    each = chain.from_iterable(timed(clock, "audio2mesh", moved.chunks()))
    seen, cameras = tee(cameras)
    return map(Sample, count(), each, cameras, timed(clock, "raster", behind(seen, moved.fps)))


def batch_renderer_of(
    context: RenderContext, film: Film, label: Tensor | None
) -> BatchRenderer | None:
    """None where frames are drawn on the CPU."""
    if context.backend == "cpu":
        return None
    parts = context.avatar, context.device, context.backend, context.background
    plain = open_batch_renderer(*parts, film.out, label)
    return replace(plain, light=context.light)


def open_batch_renderer(
    avatar: Avatar,
    device: torch.device,
    backend: Backend,
    background: Tensor | None,
    out: Path,
    label: Tensor | None = None,
) -> BatchRenderer:
    """The batch renderer of a film.

    background [3]: behind everything, None: nothing is; out: the film's file; label [H, W, 4]: lies
    over the pictures.
    """

    def draw(gaussians: Gaussians, cameras: list[Camera], behind: Tensor | None) -> Tensor:
        under = background if behind is None else behind
        return laid_over(draw_frames(gaussians, cameras, backend, under), label)

    planar = takes_nv12(out) and background is not None
    return BatchRenderer(batch_rig(avatar, device), draw, planar)


def frames_at_once(avatar: Avatar, width: int, height: int) -> int:
    """How many frames a batch may have."""
    gaussian = 4 * 2 * (12 + avatar.gaussians.sh[0].numel())  # floats, as given and as projected
    pixel = 4 * 10  # colour, transmittance, and colour again while it becomes bytes
    each = gaussian * len(avatar.binding) + pixel * width * height
    return max(1, min(MOST, BYTES_AT_ONCE // each))


def many_at_once(
    renderer: BatchRenderer,
    moved: Moving,
    samples: Iterator[Sample],
    at_once: int,
    clock: DeviceClock,
) -> Pictures:
    """Pictures, uint8 [H, W, 3 or 4] or [3 H / 2, W]; meanwhile the device draws the next batch."""
    launched: Callable[[], Pictures] = lambda: iter(())  # noqa: E731
    while batch := list(islice(samples, at_once)):
        following = _launch(batch, moved, renderer, clock)
        yield from launched()
        launched = following
    yield from launched()


def _launch(
    batch: list[Sample], moved: Moving, renderer: BatchRenderer, clock: DeviceClock
) -> Callable[[], Pictures]:
    """Start drawing a batch; the function returned waits for its pictures."""
    with clock.stage("rig"):
        offsets = torch.stack([sample.moved for sample in batch])
        frames = slice(batch[0].number, batch[-1].number + 1)
        vertices = moved.vertices(offsets, frames)
        gaussians = moved.swing(renderer.rig(vertices), frames)
        if renderer.light:
            gaussians = _lit(renderer.light, gaussians, vertices, batch, moved.fps)
    with clock.stage("raster"):
        behind = [sample.behind for sample in batch if sample.behind is not None]
        cameras = [sample.camera for sample in batch]
        colours = renderer.draw(gaussians, cameras, torch.stack(behind) if behind else None)
    with clock.stage("encode"):
        finished = nv12(rgb8(colours)) if renderer.planar else rgb8(colours)
        finished, shown = _towards_host(finished), _towards_host(offsets)
    landing = clock.landing()

    def landed() -> Pictures:
        landing()
        yield from zip(finished, shown, strict=True)

    return landed


def _lit(
    light: "Lit", gaussians: Gaussians, vertices: Tensor, batch: list[Sample], fps: float
) -> Gaussians:
    """The Gaussians of a batch shaded by the host, which waits for them once."""
    there = torch.cat([gaussians.means, gaussians.quats], -1).cpu()  # [f, N, 7]
    shaded = []
    for here, mesh, sample in zip(there, vertices.cpu(), batch, strict=True):
        one = replace(gaussians, means=here[:, :3], quats=here[:, 3:])
        shaded.append(light(one, mesh, sample.camera, sample.number / fps).sh)
    return replace(gaussians, sh=torch.stack(shaded).to(gaussians.means))


def _towards_host(frames: Tensor) -> Tensor:
    """A copy on the CPU, complete when the device has finished its queue."""
    if not frames.is_cuda:
        return frames.cpu()
    host = torch.empty(frames.shape, dtype=frames.dtype, pin_memory=True)
    return host.copy_(frames, non_blocking=True)
