"""Learning under known lights: a grey head stays grey, however it is lit."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from broken_off import stop_inside_step
from captures import CaptureSpec, ring, write_capture

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.coloured import to_linear, to_srgb
from avatar.geometry.rotations import quaternion_to_matrix
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head, load_head
from avatar.lighting.baked_file import stored
from avatar.lighting.environment import EnvironmentRotation
from avatar.lighting.environment_files import read_light
from avatar.lighting.materials import CLOTH, Surfaces
from avatar.lighting.occlusion import DIRECTIONS
from avatar.lighting.radiance_transfer import Arriving
from avatar.lighting.relight import relit
from avatar.reconstruct import AvatarTrainOptions, ReconstructOptions, lights, reconstruct
from avatar.reconstruct.capture_reader import open_capture
from avatar.reconstruct.options import DensifyOptions
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import triangle_frames
from avatar.rigging.draw import avatar_rig
from research.evaluation.avatar.evaluate import evaluate_avatar
from research.evaluation.options import AvatarEvaluationOptions
from splat import Camera, render
from splat.scene.conventions import SH_C0

SIZE = 48
ALBEDO = 0.3
LIGHTS = (
    "key -60 20 0.9 #ffd0a0, ambient 0 0 0.1",
    "key 50 40 0.8 #c9dcff, ambient 0 0 0.1",
    "window 0 -10 0.7, ambient 0 0 0.1",
)
HELD_OUT = "key 10 60 0.9 #ffc0c0, ambient 0 0 0.05"


def open_sky(avatar: Avatar, _: Head) -> Surfaces:
    """What Gaussians are on a head that shades nothing: matt, facing as their triangles do."""
    frames = triangle_frames(avatar.vertices, avatar.faces).R_world_tri[avatar.binding]
    world = avatar_rig(avatar, torch.device("cpu"))(avatar.vertices)
    turned = quaternion_to_matrix(world.quats)
    own = torch.einsum("nij,ni->nj", turned, frames[..., 1]).numpy()
    count = len(own)
    matter, follows = np.full(count, CLOTH, np.uint8), np.zeros(count, np.uint8)
    table = np.full((count, len(DIRECTIONS) // 2), 255, np.uint8)
    white, access = np.ones((count, 3), np.float32), np.ones((count, 2), np.float32)
    return Surfaces(own, own, matter, white, table, table, follows, access)


@pytest.fixture(scope="module")
def lit_capture(small_avatar: Avatar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey head under another light in each frame; the last light is held out."""
    surfaces = open_sky(small_avatar, load_head())
    surfaces = surfaces._replace(albedo=np.full_like(surfaces.albedo, ALBEDO))
    rig = avatar_rig(small_avatar, torch.device("cpu"))
    meshes = [small_avatar.vertices + 0.002 * k for k in range(4)]
    shades = [
        relit(surfaces, load_head(), read_light(words), EnvironmentRotation())
        for words in (*LIGHTS, HELD_OUT)
    ]

    def paint(vertices: torch.Tensor, camera: Camera) -> np.ndarray:
        number = round(float((vertices - small_avatar.vertices).mean()) / 0.002)
        lit = shades[number](rig(vertices), vertices, camera, 0.0)
        drawn = render(lit, camera, background=torch.ones(3), with_depth=False)
        both = torch.cat([drawn.color, drawn.alpha[..., None]], -1).clamp(0, 1)
        return (255 * both).round().to(torch.uint8).numpy()

    mesh = Mesh(small_avatar.vertices, small_avatar.faces)
    cameras = ring(4, (SIZE, SIZE))
    spec = CaptureSpec(mesh, torch.stack(meshes), cameras, small_avatar.topology, held_out=3)
    folder = write_capture(tmp_path_factory.mktemp("lit") / "capture", spec, paint)
    for split in ("train", "val", "test"):
        path = folder / f"transforms_{split}.json"
        content = json.loads(path.read_text())
        for frame in content["frames"]:
            frame["light"] = (*LIGHTS, HELD_OUT)[frame["timestep_index"]]
        path.write_text(json.dumps(content))
    return folder


@pytest.fixture
def learned(lit_capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lights, "bake", open_sky)
    train = AvatarTrainOptions(
        steps=26, coarse=0, save_every=26, densify=DensifyOptions(every=10, first=0, threshold=0)
    )
    out = tmp_path / "grey.ply"
    reconstruct(
        ReconstructOptions(lit_capture, out, device="cpu", max_gaussians=10_500, train=train)
    )
    return out


def test_a_grey_head_is_found_to_be_grey(lit_capture: Path, learned: Path):
    avatar = load_avatar(learned)
    assert avatar.unlit and stored(avatar) is not None
    frames = triangle_frames(avatar.vertices, avatar.faces)
    front = frames.R_world_tri[avatar.binding, :, 1][:, 2] > 0.5
    opaque = torch.sigmoid(avatar.gaussians.opacity_logits) > 0.5
    srgb = avatar.gaussians.sh[front & opaque, 0].double().numpy() * SH_C0 + 0.5
    albedo = to_linear(srgb.clip(0, 1))
    assert len(albedo) > 500
    assert np.abs(np.median(albedo, 0) - ALBEDO).max() < 0.02
    options = AvatarEvaluationOptions(learned, lit_capture, split="test", device="cpu")
    rows = evaluate_avatar(options).lights  # a light that it was not learned under
    assert rows["relit"] > rows["in the mean light of training"] + 1, rows


def test_what_arrives_is_kept_in_bounded_memory(monkeypatch: pytest.MonkeyPatch):
    """A film has thousands of frames: what is not kept is computed again."""
    count = 1000
    capture = SimpleNamespace(faces=torch.zeros(1, 3, dtype=torch.long), vertices=range(20))
    kept = lights.CaptureLights(cast(Any, capture), load_head(), torch.device("cpu"), unknown=True)
    kept.transfer = cast(Any, object())

    def arriving(_: object, frames: torch.Tensor, __: object) -> Arriving:
        light = frames.new_ones(count, 3)
        return Arriving(frames * light, light[:, None].repeat(1, 3, 1), light[:, 0].clone())

    monkeypatch.setattr(lights, "arriving", arriving)
    monkeypatch.setattr(lights, "MOST_BYTES", 300_000)
    monkeypatch.setattr(kept, "_sky", lambda view: None)
    monkeypatch.setattr(kept, "_frames", lambda view, bound: torch.tensor(float(view.timestep)))
    for timestep in 2 * list(range(20)):
        view = cast(Any, SimpleNamespace(timestep=timestep))
        came = kept._arriving(cast(Any, None), view)
        assert came.matt.unique().tolist() == [timestep]
    held = [part for each in kept.arrived.values() for part in vars(each).values()]
    assert 0 < sum(part.nbytes for part in held) <= 300_000


def test_without_lights_the_light_stays_in_the_colours(lit_capture: Path, tmp_path: Path):
    train = AvatarTrainOptions(steps=1, save_every=1)
    options = ReconstructOptions(lit_capture, tmp_path / "a.ply", device="cpu", train=train)
    avatar = reconstruct(replace(options, lights="kept"))
    assert not avatar.unlit and avatar.light is None


def test_a_light_in_some_frames_alone_is_refused(lit_capture: Path, tmp_path: Path):
    path = lit_capture / "transforms_val.json"
    before = path.read_text()
    content = json.loads(before)
    del content["frames"][1]["light"]
    try:
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=r'transforms_val.json: frame 1: has no "light"'):
            open_capture(lit_capture)
        content["frames"][1]["light"] = 7
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=r'frame 1: "light" is 7, neither words'):
            open_capture(lit_capture)
    finally:
        path.write_text(before)


@pytest.mark.parametrize(("said", "told"), [("disco", "disco"), ("sky.hdr", "sky.hdr")])
def test_a_light_that_cannot_be_read_is_told(
    lit_capture: Path, tmp_path: Path, said: str, told: str
):
    path = lit_capture / "transforms_train.json"
    before = path.read_text()
    content = json.loads(before)
    for frame in content["frames"]:
        frame["light"] = said
    try:
        path.write_text(json.dumps(content))
        train = AvatarTrainOptions(steps=1, save_every=1)
        options = ReconstructOptions(lit_capture, tmp_path / "a.ply", device="cpu", train=train)
        with pytest.raises((ValueError, OSError), match=told) as caught:
            reconstruct(options)
        assert "\n" not in str(caught.value)
    finally:
        path.write_text(before)


def test_one_unknown_light_is_estimated(
    lit_capture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """The skin's albedo is told; what is seen under the one light says where that comes from."""
    folder = tmp_path / "one"
    copytree(lit_capture, folder)
    path = folder / "transforms_train.json"
    content = json.loads(path.read_text())
    content["frames"] = [f for f in content["frames"] if f["timestep_index"] == 0]
    path.write_text(json.dumps(content))
    monkeypatch.setattr(lights, "bake", open_sky)
    train = AvatarTrainOptions(steps=20, coarse=0, save_every=20, densify=DensifyOptions(every=0))
    options = ReconstructOptions(folder, tmp_path / "a.ply", device="cpu", train=train)
    grey = round(255 * float(to_srgb(np.array(ALBEDO))))
    told = f"#{grey:02x}{grey:02x}{grey:02x}"
    avatar = reconstruct(replace(options, lights="unknown", light_skin=told))
    assert avatar.unlit and stored(avatar) is not None
    said = capsys.readouterr().err
    assert f"taken to be {told}, as --light-skin says" in said
    azimuth = float(said.split("brightest from azimuth ")[1].split(",")[0])
    assert abs(azimuth + 60) < 40  # of LIGHTS[0]; there are 32 lamps to tell it by
    front = triangle_frames(avatar.vertices, avatar.faces).R_world_tri[avatar.binding, 2, 1] > 0.6
    albedo = to_linear((avatar.gaussians.sh[front, 0].double().numpy() * SH_C0 + 0.5).clip(0, 1))
    assert np.abs(np.median(albedo, 0) - ALBEDO).max() < 0.06


@pytest.mark.soak
def test_an_interrupted_run_under_lights_ends_as_if_it_had_not_been(
    lit_capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(lights, "bake", open_sky)
    rules = DensifyOptions(every=5, first=0, last=1, threshold=0)
    train = AvatarTrainOptions(steps=20, coarse=0, save_every=4, densify=rules)
    whole, parts = tmp_path / "whole.ply", tmp_path / "parts.ply"
    options = ReconstructOptions(lit_capture, whole, device="cpu", train=train)
    reconstruct(replace(options, lights="unknown", max_gaussians=11_000))
    options = replace(options, lights="unknown", max_gaussians=11_000, out=parts)
    for steps in (9, 5):
        with monkeypatch.context() as patch:
            stop_inside_step(patch, steps, torch.optim.Adam)
            with pytest.raises(KeyboardInterrupt):
                reconstruct(options)
    reconstruct(options)
    torch.set_num_threads(threads)
    assert parts.read_bytes() == whole.read_bytes()
