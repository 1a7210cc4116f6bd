"""Films of avatars that are moved by recorded meshes."""

from collections.abc import Callable
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import Any

import av
import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from captures import (
    CaptureSpec,
    edit_frames,
    plain,
    ring,
    small_spec,
    to_flame,
    write_capture,
)
from flame_files import write_flame
from support import Outcome, write_wav

from avatar.avatar_io.avatar_file import save_avatar
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions, ReplayOptions
from avatar.drive.render import in_head_space, mean_pose, replay
from avatar.geometry.rotations import axis_angle_to_matrix
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import load_head
from avatar.reconstruct.capture_reader import open_capture
from avatar.rigging.avatar import Avatar
from avatar.rigging.draw import avatar_rig
from splat import RawGaussians, orbit, render

SIZE = (48, 40)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def spec() -> CaptureSpec:
    """Six timesteps of an opening mouth on a head that stands askew; from the third on, test."""
    head = load_head()
    turn = axis_angle_to_matrix(torch.tensor([0.1, 0.5, 0.0]))
    steps = [head.vertices + head.express({"jawOpen": 0.15 * k}) for k in range(6)]
    posed = torch.stack([step @ turn.T + torch.tensor([0.02, 0.01, -0.03]) for step in steps])
    mesh = Mesh(head.vertices, head.faces)
    return CaptureSpec(mesh, posed, ring(3, SIZE, 1.2), head.topology)


@pytest.fixture
def folder(spec: CaptureSpec, tmp_path: Path) -> Path:
    folder = write_capture(tmp_path / "capture", spec, plain)
    for index in range(12):  # four test timesteps of three cameras
        name = {"sequence": "one" if index < 6 else "two"}
        edit_frames(folder, methodcaller("update", name), "test", index)
    return folder


@pytest.fixture
def options(avatar_file: Path, folder: Path, tmp_path: Path) -> ReplayOptions:
    width, height = SIZE
    given = {"width": width, "height": height, "device": "cpu", "background": "#ffffff"}
    return ReplayOptions(avatar_file, out=tmp_path / "film", capture=folder, **given)


def pictures(path: Path) -> np.ndarray:
    """The frames [F, H, W, 3] of a folder in [0, 1]."""
    files = sorted(path.glob("*.png"))
    return np.stack([imageio.imread(file) for file in files]).astype(np.float32) / 255


def test_a_capture_moves_the_avatar_before_its_own_camera(
    options: ReplayOptions, spec: CaptureSpec, small_avatar: Avatar
):
    film = replay(replace(options, camera_id="01"))
    assert (film.frames, film.fps) == (4, 25.0)
    rig = avatar_rig(small_avatar, CPU)
    for shown, vertices in zip(pictures(options.out), spec.vertices[2:], strict=True):
        expected = render(rig(vertices), spec.cameras[1], background=torch.ones(3)).color
        assert np.abs(shown - expected.clamp(0, 1).numpy()).max() < 0.01


def test_flame_moves_an_avatar_of_its_topology(options: ReplayOptions, tmp_path: Path):
    flame = write_flame(tmp_path)
    folder = to_flame(
        write_capture(tmp_path / "flame", replace(small_spec(), cameras=ring(3, SIZE)))
    )
    capture = open_capture(folder, flame)
    count = len(capture.faces)
    gaussians = RawGaussians(
        means=torch.zeros(count, 3),
        quats=torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
        log_scales=torch.full((count, 3), -1.0),
        opacity_logits=torch.full((count,), 2.0),
        sh=torch.linspace(-1, 1, 3 * count).view(count, 1, 3),
    )
    mesh = (capture.rest, capture.faces)
    avatar = Avatar(gaussians, torch.arange(count), *mesh, capture.topology)
    save_avatar(tmp_path / "flame.ply", avatar)
    moved = replace(options, avatar=tmp_path / "flame.ply", capture=folder, flame=flame)
    replay(replace(moved, camera_id="02"))
    view = next(v for v in capture.splits["test"] if v.camera_id == "02")
    world = avatar_rig(avatar, CPU)(capture.vertices[view.timestep])
    expected = render(world, view.camera, background=torch.ones(3)).color.clamp(0, 1)
    assert np.abs(pictures(options.out)[0] - expected.numpy()).max() < 0.01


def test_our_cameras_stand_before_the_face_wherever_it_is(
    options: ReplayOptions, spec: CaptureSpec, small_avatar: Avatar
):
    """The turned head is filmed from its front: nearly as the resting head is."""
    replay(options)
    upright = replace(spec, vertices=torch.stack([spec.mesh.vertices] * 6))
    folder = write_capture(options.out.parent / "upright", upright, plain)
    other = replace(options, capture=folder, out=options.out.parent / "film2")
    replay(other)
    first, still = pictures(options.out)[0], pictures(other.out)[0]
    assert np.abs(first - still).mean() < 0.02
    assert np.abs(first - first[:, ::-1]).mean() < 0.02  # the face is symmetric


def test_a_sequence_is_a_part_of_a_split(options: ReplayOptions):
    replay(options)
    replay(replace(options, sequence="two", out=options.out.with_name("two")))
    whole, part = pictures(options.out), pictures(options.out.with_name("two"))
    assert (len(whole), len(part)) == (4, 2)


def test_the_camera_swings(options: ReplayOptions, tmp_path: Path):
    path = tmp_path / "path.json"
    key = '{"time": %s, "eye": [%s, 0, 1], "target": [0, 0, 0], "fov_y": 20}'
    path.write_text(f'{{"keyframes": [{key % (0, -0.5)}, {key % (0.12, 0.5)}]}}')
    replay(replace(options, camera=str(path)))
    frames = pictures(options.out)
    assert (
        np.abs(frames[0] - frames[-1][:, ::-1]).mean() < np.abs(frames[0] - frames[-1]).mean() / 2
    )


def test_saved_motion_gives_the_film_of_driving(
    options: ReplayOptions, avatar_file: Path, voice_file: Path, tmp_path: Path
):
    motion, driven = tmp_path / "motion.npz", tmp_path / "driven"
    size = {"width": SIZE[0], "height": SIZE[1], "background": "#ffffff"}
    drive(
        DriveOptions(
            avatar_file, voice_file, driven, save_motion=motion, azimuth=20, device="cpu", **size
        )
    )
    film = replay(replace(options, capture=None, motion=motion, azimuth=20))
    assert film.frames == 25
    assert np.abs(pictures(options.out) - pictures(driven)).max() < 0.01


def test_saved_motion_moves_another_mesh(
    options: ReplayOptions,
    small_avatar: Avatar,
    avatar_file: Path,
    voice_file: Path,
    tmp_path: Path,
):
    """The same head, its triangles in another order, as a mesh of its own."""
    motion = tmp_path / "motion.npz"
    given: dict[str, Any] = {"device": "cpu", "width": SIZE[0], "height": SIZE[1], "still": True}
    drive(DriveOptions(avatar_file, voice_file, tmp_path / "d", save_motion=motion, **given))
    count = len(small_avatar.faces)
    other = replace(
        small_avatar,
        faces=small_avatar.faces.flip(0),
        binding=count - 1 - small_avatar.binding,
        topology="mesh",
        template=load_head().vertices,
    )
    save_avatar(tmp_path / "other.ply", other)
    replay(replace(options, capture=None, motion=motion))
    carried = replace(options, avatar=tmp_path / "other.ply", out=tmp_path / "carried")
    replay(replace(carried, capture=None, motion=motion))
    assert np.abs(pictures(options.out) - pictures(carried.out)).mean() < 0.002


def test_sound_can_be_added(options: ReplayOptions, tmp_path: Path):
    sound = write_wav(tmp_path / "voice.wav", np.sin(np.arange(16_000) / 20))
    film = tmp_path / "film.mp4"
    replay(replace(options, out=film, audio=sound, fps=20.0))
    with av.open(str(film)) as container:
        assert len(container.streams.audio) == 1
        assert container.streams.video[0].frames == 4


def test_the_mean_pose_undoes_a_rigid_motion():
    points = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    R = axis_angle_to_matrix(torch.tensor([0.3, -0.8, 0.2]))
    t = torch.tensor([0.5, -1.0, 2.0])
    placed = mean_pose(points, (points @ R.T + t)[None])
    assert torch.allclose(placed[:3, :3], R, atol=1e-5)
    assert torch.allclose(placed[:3, 3], t, atol=1e-5)
    camera = orbit(torch.zeros(3), 3.0, 10.0, 5.0, 30.0, 32, 32)
    moved = next(in_head_space(placed, [camera]))
    one = torch.ones(40, 1)
    seen = torch.cat([points, one], 1) @ camera.viewmat.T
    also = torch.cat([points @ R.T + t, one], 1) @ moved.viewmat.T
    assert torch.allclose(seen, also, atol=1e-4)


# --- the command


@pytest.fixture
def run(run_script: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Run scripts/render.py with arguments, in this process."""

    def command(**given: object) -> Outcome:
        return run_script("render", *(f"--{k.replace('_', '-')}={v}" for k, v in given.items()))

    return command


def test_the_command_says_what_it_wrote(
    run: Callable[..., Outcome], avatar_file: Path, folder: Path, tmp_path: Path
):
    film = tmp_path / "film.mp4"
    outcome = run(avatar=avatar_file, capture=folder, out=film, width=48, height=40, device="cpu")
    assert outcome.status == 0, outcome.stderr
    assert f"wrote {film}: 4 frames at 25 fps" in outcome.stdout
    assert film.is_file()


def test_bad_input_ends_in_one_sentence(
    run: Callable[..., Outcome], avatar_file: Path, folder: Path, tmp_path: Path
):
    base = {"avatar": avatar_file, "capture": folder, "out": tmp_path / "film.mp4"}
    base |= {"width": 48, "height": 40, "device": "cpu"}

    def refuses(*said: str, without: str = "", **changes: object) -> None:
        given = {key: value for key, value in (base | changes).items() if key != without}
        outcome = run(**given)
        sentence = outcome.stderr.strip().splitlines()[-1]
        assert outcome.status == 2, outcome
        assert sentence.startswith("error: ") and "Traceback" not in outcome.stderr
        for words in said:
            assert words in sentence
        assert not (tmp_path / "film.mp4").exists()

    refuses("--capture or --motion", without="capture")
    refuses("--capture or --motion", motion=avatar_file)
    refuses("gone.ply", "no such file", avatar=tmp_path / "gone.ply")
    refuses("nowhere", "no such file", capture=tmp_path / "nowhere")
    refuses("--sequence three", "known: one, two", sequence="three")
    refuses("--camera-id 07", "known cameras: 00, 01, 02", camera_id="07")
    refuses("--camera side", camera="side")
    refuses("--azimuth", "--camera-id", camera_id="01", azimuth=3)
    refuses("width", width=47)
    refuses("fps", fps=0)
    refuses("mauve", background="mauve")
    refuses("motion file", without="capture", motion=avatar_file)
    refuses("--fps", "--capture", without="capture", motion=avatar_file, fps=25)
    refuses("--split", "--capture", without="capture", motion=avatar_file, split="test")
    refuses("--flame", "none", without="capture", motion=avatar_file, flame=avatar_file)
    refuses(".avi", out=tmp_path / "film.avi")
    refuses("input", out=avatar_file)
