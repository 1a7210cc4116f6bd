from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import talking_clip, tiny_model

from audio2mesh.data import sources
from audio2mesh.data.clips import Clip
from audio2mesh.data.dataset import Dataset
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from audio2mesh.data.options import SourceOptions
from audio2mesh.data.sources import folder_shares, load_sources, to_common_basis
from common.errors import InputError

UNITS = FaceUnits(("jawOpen",), torch.ones(1, 12, 3))


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, face: FaceGeometry) -> dict[str, Dataset]:
    """Data sets by the name of their folder, which need not exist."""
    model = tiny_model()
    clip = talking_clip(model, seconds=4.0)

    def made(names: Sequence[str], seconds: float, **changes) -> list[Clip]:
        return [replace(talking_clip(model, n, seconds), **changes) for n in names]

    sets = {
        "captured": Dataset(made(["one", "two", "three"], 4.0), face, "tiny", 25),
        "modelled": Dataset(made(["x", "y"], 32.0, origin="modelled"), face, "tiny", 25),
        "divided": Dataset(
            [replace(clip, name=s, split=s) for s in ("train", "validation", "test")],
            face,
            "tiny",
            25,
        ),
        "scans": Dataset(made(["s"], 4.0), face, "flame", 30),
    }
    monkeypatch.setattr(sources, "load_dataset", lambda path, *_: sets[path.name])
    return sets


def load(face: FaceGeometry, *names: str, **changes):
    return load_sources(SourceOptions(tuple(map(Path, names)), **changes), UNITS, face, "tiny")


def test_clips_are_trained_on_scored_or_left_out(folders, face: FaceGeometry):
    data = load(face, "captured", "divided")
    assert [clip.name for clip in data.training] == ["one", "two", "three", "train"]
    assert [clip.name for clip in data.held] == ["validation"]
    data = load(face, "captured", "divided", held_out=("one", "two"), exclude=("two",))
    assert [clip.name for clip in data.training] == ["three", "train"]
    assert [clip.name for clip in data.held] == ["one", "validation"]


def test_something_must_be_left_to_train_on(folders, face: FaceGeometry):
    with pytest.raises(InputError, match="modelled: every clip is held out"):
        load(face, "modelled", held_out=("x", "y"))


def test_folders_share_the_training_by_the_root_of_their_duration(folders, face: FaceGeometry):
    data = load(face, "captured", "modelled", exclude=("two", "three"))
    np.testing.assert_allclose(data.weights, [0.2, 0.4, 0.4])  # 4 s against 64 s
    assert [entry["share"] for entry in data.record] == [0.2, 0.8]
    assert [entry["seconds"] for entry in data.record] == [{"captured": 4.0}, {"modelled": 64.0}]


def test_shares_can_be_asked_for(folders, face: FaceGeometry):
    data = load(face, "captured", "modelled", share=(3.0, 1.0), exclude=("two", "three"))
    np.testing.assert_allclose(data.weights, [0.75, 0.125, 0.125])
    for share in ((1.0,), (1.0, 0.0)):
        with pytest.raises(ValueError, match="--share needs one positive number for each of the 2"):
            load(face, "captured", "modelled", share=share)


def test_a_folder_without_training_clips_takes_no_share():
    clip = talking_clip(tiny_model())
    np.testing.assert_allclose(folder_shares([[clip], []], (0.2, 0.8)), [1, 0])


@pytest.mark.parametrize("option", ["held-out", "exclude"])
def test_a_clip_that_is_not_there_is_named(folders, face: FaceGeometry, option: str):
    with pytest.raises(ValueError, match=f"no clip three, which --{option} names; it has x, y"):
        load(face, "modelled", **{option.replace("-", "_"): ("three",)})


def test_topologies_are_not_mixed(folders, face: FaceGeometry):
    with pytest.raises(ValueError, match="scans moves the topology flame at 30 fps and captured"):
        load(face, "captured", "scans")


def test_training_clips_come_to_one_basis(folders, face: FaceGeometry):
    before = load(face, "captured", "modelled")
    after = to_common_basis(before)
    assert len({id(clip.motion.basis) for clip in after.training}) == 1
    for old, new in zip(before.training, after.training, strict=True):
        torch.testing.assert_close(new.motion.offsets(), old.motion.offsets(), atol=1e-5, rtol=1e-3)
