"""A capture under several known lights."""

import json
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from avatar.geometry.closest import face_tree
from avatar.geometry.rays import unhidden
from avatar.geometry.triangle_mesh import point_normals
from avatar.geometry.vectors import MM, sphere_directions
from avatar.lighting.environment import irradiance, lamps
from avatar.lighting.presets import PRESETS, parse_light
from avatar.reconstruct.capture_reader import open_capture
from common.errors import InputError
from research.captures import light as lights
from research.captures import make
from research.captures import make as shots
from research.captures.light import HELD_OUT, capture_light, cast, training_lights
from research.captures.make import make_capture
from research.captures.options import CaptureOptions
from research.captures.scene import Scene


@pytest.mark.parametrize("words", [*HELD_OUT, "sun 40 30 1", *training_lights(3, 0)])
def test_the_stage_has_the_light_that_words_name(words: str):
    light, wanted = capture_light(words), lamps(parse_light(words))
    assert len(light.directions) < 1000
    normals = sphere_directions(50)
    found = np.maximum(normals @ light.directions.T, 0) @ light.radiance
    assert np.abs(found - irradiance(wanted, normals)).max() < 0.01
    assert np.allclose(light.lobes.sum(0), 1)


def test_lights_to_learn_from_come_from_everywhere_and_are_not_held_out():
    words = training_lights(8, 0)
    assert len(set(words)) == 8 and words == training_lights(8, 0) != training_lights(8, 1)
    azimuths = sorted(parse_light(each)[0].azimuth for each in words)
    assert np.diff(azimuths).max() < 60 and azimuths[0] < -110 and azimuths[-1] > 110
    assert not set(words) & {*HELD_OUT, *(PRESETS[name] for name in HELD_OUT)}


def test_shadows_are_those_that_rays_cast(scene: Scene):
    points, triangles, directions = scene.points, scene.triangles, sphere_directions(40)
    solid = triangles.faces[triangles.solid]
    rows = np.unique(solid)[::9]
    places = points.rest[rows] + 0.5 * MM * point_normals(points.rest, triangles.faces)[rows]
    every = np.ones((len(places), len(directions)), bool)
    exact = unhidden(face_tree(points.rest, solid), places, directions, every, 1.6 * MM)
    maps = cast(points.rest, solid, directions=directions).visible(places, 1.6 * MM)
    assert np.abs(exact - maps).mean() < 0.08


@pytest.fixture
def lit(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(make, "build_scene", lambda seed: scene)
    monkeypatch.setattr(shots, "HELD_OUT", ("sun 60 30 0.9",))
    monkeypatch.setattr(shots, "RELIT", 1)
    monkeypatch.setattr(lights, "REST", sphere_directions(24))  # a coarse sky takes no time
    monkeypatch.setattr(lights, "BRIGHT", np.inf)
    options = CaptureOptions(
        tmp_path / "lit", width=32, height=32, cameras=3, timesteps=1, lights=1, speech=False
    )
    make_capture(replace(options, held_out_timesteps=0))
    return tmp_path / "lit"


def test_frames_tell_their_light_and_held_out_ones_are_apart(lit: Path):
    capture = open_capture(lit)
    counts = {name: len(views) for name, views in capture.splits.items()}
    assert counts == {"train": 2, "val": 1, "test": 0, "relight": 1}
    (again,), (held,) = capture.splits["relight"], capture.splits["val"]
    assert again.light == "sun 60 30 0.9" and held.light == training_lights(1, 0)[0]
    assert again.camera_id == held.camera_id and again.timestep != held.timestep
    assert np.array_equal(capture.vertices[again.timestep], capture.vertices[held.timestep])
    one, other = (imageio.imread(view.image).astype(float) for view in (again, held))
    masks = [imageio.imread(view.mask) for view in (again, held) if view.mask]
    assert np.array_equal(masks[0], masks[1]) and np.abs(one - other)[masks[0] > 0].mean() > 8
    options = json.loads((lit / "options.json").read_text())
    assert options["lights"] == 1


@pytest.mark.parametrize(
    ("changes", "said"), [({"lights": -1}, "--lights"), ({"lights": 2, "cameras": 2}, "--cameras")]
)
def test_bad_numbers_of_lights(tmp_path: Path, changes: dict[str, int], said: str):
    options = CaptureOptions(tmp_path / "c", speech=False)
    with pytest.raises(InputError, match=said):
        make_capture(replace(options, **changes))
