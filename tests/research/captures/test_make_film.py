"""The film of a synthetic person: layout, truth, resuming, refusals."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from support import write_wav

from audio2mesh import probe_audio
from avatar.avatar_io.motion_file import motion_chunks, open_motion
from avatar.geometry.zbuffer import project
from avatar.reconstruct.capture import Capture
from avatar.reconstruct.capture_reader import open_capture
from avatar.rigging.avatar import pose
from research.captures import film as make
from research.captures.film import make_film
from research.captures.options import CaptureOptions
from research.captures.scene import Scene

TINY = CaptureOptions(out=Path(), film=True, width=48, height=40, timesteps=10, speech=False)


@pytest.fixture(autouse=True)
def _same_sitter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make, "build_scene", lambda seed: scene)


@pytest.fixture(scope="session")
def film(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with everything that a phone adds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(make, "build_scene", lambda seed: scene)
        return filmed(tmp_path_factory.mktemp("film") / "capture")


def filmed(folder: Path, **changes: Any) -> Path:
    make_film(replace(TINY, out=folder, **changes))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    return {name: p.read_bytes() for name, p in sorted(found.items()) if p.suffix != ".mp4"}


def vertices_of(capture: Capture) -> torch.Tensor:
    return torch.as_tensor(capture.vertices)


def test_it_opens_as_a_capture_of_one_camera_whose_last_fifth_is_held_out(film: Path):
    capture = open_capture(film)
    assert {name: len(views) for name, views in capture.splits.items()} == {
        "train": 8,
        "val": 0,
        "test": 2,
    }
    views = [view for split in capture.splits.values() for view in split]
    assert len({view.camera.viewmat.numpy().tobytes() for view in views}) == 1
    assert imageio.imread(views[0].image).shape == (40, 48, 3)


def test_the_motion_gives_the_vertices(scene: Scene, film: Path):
    motion = open_motion(film / "motion.npz")
    with np.load(film / "motion.npz") as truth:
        torso = torch.from_numpy(truth["torso_pose"])
    offsets = torch.cat(list(motion_chunks(motion)))
    for frame, vertices in enumerate(vertices_of(open_capture(film))):
        on_shoulders = torch.linalg.inv(torso[frame]) @ motion.head_pose[frame]
        local = pose(scene.rest + offsets[frame], scene.head, on_shoulders)
        expected = local @ torso[frame, :3, :3].T + torso[frame, :3, 3]
        assert torch.allclose(vertices, expected, atol=1e-6)


def test_units_give_the_offsets_of_all_but_speech(scene: Scene, film: Path):
    with np.load(film / "motion.npz") as truth:
        weights, names, offsets = (truth[k] for k in ("unit_weights", "unit_names", "offsets"))
    assert weights.shape == (10, 52)
    assert weights.max() > 0.1
    order = [scene.head.unit_names.index(str(name)) for name in names]
    made = np.einsum("fe,evx->fvx", weights, scene.units.numpy()[order])
    assert np.abs(made - offsets).max() < 1e-6


def test_the_mask_lies_on_the_true_mesh(film: Path):
    capture = open_capture(film)
    for view in capture.splits["train"]:
        assert view.mask is not None
        vertices = vertices_of(capture)[view.timestep]
        pixels, _ = project(view.camera, vertices[capture.rest[:, 2] > 0.05])
        inside = pixels[((pixels > 1) & (pixels < torch.tensor([47.0, 39.0]))).all(1)]
        mask = imageio.imread(view.mask)
        shifts = torch.tensor([[-1, 0], [1, 0], [0, -1], [0, 1]]) / 4  # samples are 1/2 pixel apart
        x, y = (inside[:, None] + shifts).long().unbind(-1)
        assert (mask[y, x] > 0).any(1).mean() > 0.99


def test_the_film_is_what_the_images_show(film: Path):
    with av.open(str(film / "film.mp4")) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.average_rate == 25
    assert len(frames) == 10
    for index, frame in enumerate(frames):
        image = imageio.imread(film / "images" / f"{index:05d}_00.png")
        assert np.abs(frame.astype(float) - image).mean() < 8


def test_a_phone_blurs_grains_and_drifts_only_as_told(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("SWAY_MM", "SHUTTER", "GRAIN", "DRIFT"):
        monkeypatch.setattr(make, name, 0)
    clean = filmed(tmp_path / "clean")
    corner = [imageio.imread(path)[:4, :4] for path in sorted((clean / "images").iterdir())]
    assert all(np.array_equal(corner[0], other) for other in corner)
    with np.load(clean / "motion.npz") as truth:
        assert (truth["gains"] == 1).all()
        assert np.allclose(truth["torso_pose"], np.eye(4), atol=1e-6)
    with np.load(film / "motion.npz") as truth:
        assert truth["gains"].shape == (10, 3)
        assert 0 < np.abs(np.log(truth["gains"])).max() < 0.3


def test_speech_comes_first_and_is_heard(scene: Scene, voice: np.ndarray, tmp_path: Path):
    said = write_wav(tmp_path / "said.wav", voice[: 2 * 16_000])
    folder = filmed(tmp_path / "film", audio=said, speech=True, timesteps=24)
    sequences = [view.timestep < 12 for view in open_capture(folder).splits["train"]]
    assert sum(sequences) == 12
    assert probe_audio(folder / "voice.wav") == pytest.approx(12 / 25)
    assert probe_audio(folder / "film.mp4") == pytest.approx(24 / 25, abs=0.05)
    with np.load(folder / "motion.npz") as truth:
        lips = truth["offsets"][:, scene.head.regions["lips"].numpy()]
    assert np.abs(lips[:10]).max() > 0.001


def test_an_interrupted_film_is_continued(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole = contents(film)
    folder, sensed, count = tmp_path / "broken", make.sensed, 0

    def stops(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt
        return sensed(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(make, "sensed", stops)
        with pytest.raises(KeyboardInterrupt):
            filmed(folder, threads=1)
    assert not list(folder.glob("transforms_*.json"))
    result = make_film(replace(TINY, out=folder))
    assert 0 < result.drawn < result.pictures == 10
    assert contents(folder) == whole


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cameras": 4}, "--cameras 4: must be left out: a film"),
        ({"width": 49}, "--width 49: must be even"),
        ({"timesteps": 0}, "timesteps 0"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(
    tmp_path: Path, changes: dict[str, Any], said: str
):
    with pytest.raises(ValueError, match=said):
        filmed(tmp_path / "capture", **changes)
    assert not (tmp_path / "capture").exists()
