"""Frames made many at a time on a device, against frames made one by one on the CPU.

What runs on CUDA runs here on the CPU, and on a device that refuses tensors of the CPU; the
rasterizer alone is another one, as gsplat draws on CUDA only.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from gsplat_kernels import pretended_cuda
from other_device import OTHER, Elsewhere, host_waits, on_cpu, other_device
from support import write_wav
from torch import Tensor

from avatar.drive import frames as looping
from avatar.drive.drive import drive
from avatar.drive.frames import (
    MOST,
    BatchRenderer,
    Film,
    frames_at_once,
    many_at_once,
    open_batch_renderer,
    samples_of,
)
from avatar.drive.motion import Curves, DrivenMotion, moving
from avatar.drive.options import DriveOptions
from avatar.drive.render_context import RenderContext
from avatar.drive.report import DeviceClock, PhaseClock
from avatar.geometry.rotations import axis_angle_to_matrix, quaternion_to_matrix, turn_about
from avatar.heads import load_head
from avatar.retarget.fitted_face import shipped_face
from avatar.rigging.avatar import Avatar, pose
from avatar.rigging.draw import avatar_rig, batch_rig, draw_frames, rasterizer
from common.device import Device
from common.pixels import as_bytes
from splat import Camera, Gaussians, orbit

FRAMES, FPS, CPU = 7, 25.0, torch.device("cpu")
BACKGROUND = torch.tensor([0.2, 0.4, 0.6])


@pytest.fixture(scope="module")
def motion() -> DrivenMotion:
    """A head that turns while its jaw and a brow move."""
    face = shipped_face()
    basis = torch.stack([face.head.unit("jawOpen"), face.head.unit("browInnerUp")])
    weights = torch.rand(FRAMES, 2, generator=torch.Generator().manual_seed(0))
    curves = Curves(("jawOpen", "browInnerUp"), basis, lambda: iter(weights.split(4)))
    turns = axis_angle_to_matrix(torch.linspace(-0.3, 0.3, FRAMES)[:, None] * torch.ones(3))
    return DrivenMotion(face, curves.offsets, turn_about(turns, load_head().pivot), FPS, curves)


def cameras() -> Iterator[Camera]:
    for azimuth in range(FRAMES):
        yield orbit(torch.zeros(3), 1.0, 5.0 * azimuth, 0, 20, width=48, height=32)


def one_by_one(avatar: Avatar, motion: DrivenMotion) -> list[np.ndarray]:
    """As the CPU draws: bytes of red, green and blue."""
    rig, draw = avatar_rig(avatar, CPU), rasterizer("cpu", BACKGROUND)
    meshes = zip(motion.meshes(), cameras(), strict=True)
    return [as_bytes(draw(rig(mesh), camera).numpy()) for mesh, camera in meshes]


def shot(
    avatar: Avatar,
    motion: DrivenMotion,
    renderer: BatchRenderer,
    count: int,
    device: torch.device = CPU,
) -> tuple[Tensor, Tensor]:
    """Pictures [F, ..] and offsets [F, V, 3]."""
    clock = DeviceClock(PhaseClock(), device)
    moved = moving(motion, avatar, device)
    samples = samples_of(lambda cameras, fps: repeat(None), moved, cameras(), clock)
    shown = list(many_at_once(renderer, moved, samples, count, clock))
    assert all(clock.clock.seconds[name] > 0 for name in ("audio2mesh", "rig", "raster", "encode"))
    return torch.stack([on_cpu(p) for p, _ in shown]), torch.stack([on_cpu(o) for _, o in shown])


@pytest.fixture
def renderer(small_avatar: Avatar) -> BatchRenderer:
    return open_batch_renderer(small_avatar, CPU, "cpu", BACKGROUND, Path("frames"))


def test_many_meshes_carry_their_gaussians_as_each_does(small_avatar: Avatar, motion: DrivenMotion):
    meshes = torch.stack(list(motion.meshes()))
    together = batch_rig(small_avatar, CPU)(meshes)
    for number, mesh in enumerate(meshes):
        alone = batch_rig(small_avatar, CPU)(mesh)
        compiled = avatar_rig(small_avatar, CPU)(mesh)
        for name in ("means", "quats", "scales"):
            found = getattr(together, name)[number]
            assert torch.allclose(found, getattr(alone, name), atol=1e-7), name
            wanted = getattr(compiled, name)
            if name == "quats":  # of either sign
                found, wanted = quaternion_to_matrix(found), quaternion_to_matrix(wanted)
            assert torch.allclose(found, wanted, atol=1e-4), name
    assert together.sh.shape == small_avatar.gaussians.sh.shape


def test_many_heads_are_turned_as_each_is(motion: DrivenMotion):
    head = motion.face.head
    rest = motion.face.mesh.vertices.expand(FRAMES, -1, -1)
    together = pose(rest, head, motion.head_pose)
    for number, turned in enumerate(together):
        alone = pose(rest[number], head, motion.head_pose[number])
        assert torch.allclose(turned, alone, atol=1e-6)


def test_pictures_are_those_of_the_cpu(
    small_avatar: Avatar, motion: DrivenMotion, renderer: BatchRenderer
):
    found, offsets = shot(small_avatar, motion, renderer, 3)
    wanted = np.stack(one_by_one(small_avatar, motion))
    assert found.shape == wanted.shape
    apart = np.abs(found.numpy().astype(int) - wanted)
    assert apart.max() <= 2 and (apart > 0).mean() < 0.01
    assert torch.equal(offsets, torch.cat(list(motion.offsets())))


@pytest.mark.parametrize("count", [1, 2, 32])
def test_how_many_at_once_changes_nothing(
    small_avatar: Avatar, motion: DrivenMotion, renderer: BatchRenderer, count: int
):
    found, _ = shot(small_avatar, motion, renderer, count)
    wanted, _ = shot(small_avatar, motion, renderer, 3)
    assert (found.int() - wanted.int()).abs().max() <= 1


@pytest.mark.parametrize("planar", [False, True])
def test_everything_stays_on_the_device(
    small_avatar: Avatar, motion: DrivenMotion, renderer: BatchRenderer, planar: bool
):
    wanted, _ = shot(small_avatar, motion, replace(renderer, planar=planar), 3)

    def draw(gaussians: Gaussians, cameras: list[Camera], behind: Tensor | None) -> Tensor:
        given = (gaussians.means, gaussians.quats, gaussians.scales)
        assert all(part.device == OTHER for part in given)
        parts = (on_cpu(part) for part in (*given, gaussians.opacities, gaussians.sh))
        return Elsewhere(draw_frames(Gaussians(*parts), cameras, "cpu", BACKGROUND))

    with other_device() as device:
        there = BatchRenderer(batch_rig(small_avatar, device), draw, planar)
        found, _ = shot(small_avatar, motion, there, 3, device)
    assert found.shape[1:] == ((48, 48) if planar else (32, 48, 3))
    assert (found.int() - wanted.int()).abs().max() <= 1


def test_large_pictures_and_avatars_are_drawn_by_fewer_at_once(small_avatar: Avatar):
    assert frames_at_once(small_avatar, 512, 512) == MOST
    assert frames_at_once(small_avatar, 8192, 8192) == 1
    assert 1 < frames_at_once(small_avatar, 3840, 2160) < MOST


def test_a_film_made_many_at_a_time_is_the_same_film(
    avatar_file: Path, voice_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The whole drive, as on CUDA but for the rasterizer and the encoder."""
    options = partial(DriveOptions, avatar_file, voice_file, width=96, height=64)
    plain, many = (
        options(tmp_path / f"{name}.mp4", save_motion=tmp_path / f"{name}.npz")
        for name in ("plain", "many")
    )
    drive(plain)

    def of_the_cpu(context: RenderContext, film: Film, label: Tensor | None) -> BatchRenderer:
        return open_batch_renderer(context.avatar, CPU, "cpu", context.background, film.out)

    monkeypatch.setattr(looping, "batch_renderer_of", of_the_cpu)
    report = drive(many)
    assert all(spent > 0 for spent in report.stages.values())
    first, second = (decoded(path) for path in (plain.out, many.out))
    assert first.shape == second.shape and np.abs(first - second).mean() < 1
    with np.load(tmp_path / "plain.npz") as one, np.load(tmp_path / "many.npz") as other:
        assert np.array_equal(one["offsets"], other["offsets"])


@pytest.fixture
def spoken(
    avatar_file: Path, voice: np.ndarray, tmp_path: Path
) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Drives by the demo voice; returns pictures and offsets."""

    def make(
        name: str,
        device: Device,
        seconds: float = 0.24,
        width: int = 192,
        light: str | None = None,
    ):
        out = tmp_path / f"{name}.mp4"
        sound = write_wav(tmp_path / f"{name}.wav", voice[: round(16_000 * seconds)])
        options = DriveOptions(avatar_file, sound, out, width=width, height=64, device=device)
        drive(replace(options, save_motion=out.with_suffix(".npz"), light=light))
        with np.load(out.with_suffix(".npz")) as saved:
            return decoded(out), saved["offsets"]

    return make


@pytest.mark.skipif(torch.cuda.is_available(), reason="the pretended device is another")
@pytest.mark.parametrize("light", [None, "key 60 20 1"])
def test_the_host_waits_for_batches_and_never_for_a_frame(spoken, light: str | None):
    """With as many batches, here one, a film twice as long has no more waits."""
    counts = []
    for seconds in (0.08, 0.08, 0.16):  # the first loads what stays
        with pretended_cuda(), host_waits() as waits:
            shown, _ = spoken("a", "cuda", seconds, width=64, light=light)
            assert len(shown) == 25 * seconds
        counts.append(Counter(waits))
    assert counts[1] == counts[2]
    assert not [wait for wait in counts[2] if "drive/frames.py" in wait and counts[2][wait] > 2]


@pytest.mark.gpu
def test_a_batch_is_lit_as_each_frame_is(spoken, cuda: torch.device):
    plain, found, wanted = (
        spoken(name, device, seconds=0.12, light=light)[0]
        for name, device, light in (
            ("plain", "cpu", None),
            ("a", "cuda", "key 60 20 1"),
            ("b", "cpu", "key 60 20 1"),
        )
    )
    assert np.abs(found - wanted).mean() < 1 < 5 < np.abs(plain - wanted).mean()


def decoded(path: Path | None) -> np.ndarray:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack(frames).astype(np.float32)


@pytest.mark.gpu
@pytest.mark.parametrize("count", [1, 3])
def test_cuda_makes_the_pictures_of_the_cpu(
    small_avatar: Avatar, motion: DrivenMotion, cuda: torch.device, count: int
):
    out = Path("frames")
    there = open_batch_renderer(small_avatar, cuda, "gsplat", BACKGROUND.to(cuda), out)
    found, _ = shot(small_avatar, motion, there, count, cuda)
    wanted = np.stack(one_by_one(small_avatar, motion))
    assert not found.is_cuda
    assert np.abs(found.numpy().astype(int) - wanted).mean() < 0.3
