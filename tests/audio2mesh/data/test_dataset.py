import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scans
import torch
from speech_models import VERTICES, syllables
from support import write_wav

from audio2mesh.data.dataset import Dataset, load_dataset, recognise
from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits, lip_gap
from audio2mesh.data.vertex_files import BIWI_SUBJECTS, VOCASET_SUBJECTS, biwi_split, vocaset_split

UNITS = FaceUnits(("jawOpen",), 0.01 * torch.randn(1, VERTICES, 3))


@pytest.fixture
def load(face: FaceGeometry):
    def call(folder: Path) -> Dataset:
        return load_dataset(folder, UNITS, face, "small-head")

    return call


@pytest.mark.parametrize("write", [scans.write_vocaset_raw, scans.write_vocaset])
def test_vocaset_in_both_layouts(load, tmp_path: Path, write):
    data = load(write(tmp_path))
    assert (data.topology, data.fps) == ("flame", 30)
    found = {clip.name: (clip.split, clip.style) for clip in data.clips}
    assert found == {
        f"{subject}_sentence{n:02d}": (split, subject)
        for split, (subject, numbers) in scans.SUBJECTS.items()
        for n in numbers
    }
    assert data.face.lips.tolist() == list(range(20))
    assert data.face.upper_face.tolist() == list(range(100, 150))
    assert len(data.face.upper_teeth) == 0
    assert (int(data.face.inner_upper), int(data.face.inner_lower)) == (3546, 3504)


@pytest.mark.parametrize("write", [scans.write_vocaset_raw, scans.write_vocaset])
def test_vocaset_sound_and_motion_are_those_of_the_files(load, tmp_path: Path, write):
    for clip in load(write(tmp_path)).clips:
        n = int(clip.name[-2:])
        assert (clip.fps, clip.lag, clip.seconds) == (30.0, 0.0, pytest.approx(1.0, abs=1e-3))
        moved = torch.from_numpy(scans.talking(scans.FLAME, 60, 60.0, n)[::2]).float()
        torch.testing.assert_close(clip.motion.offsets(), moved, atol=2e-6, rtol=1e-4)
        spoken = syllables(1.0, n)[0]
        assert np.corrcoef(clip.audio[: len(spoken)], spoken[: len(clip.audio)])[0, 1] > 0.98


def test_the_training_clips_share_one_basis(load, tmp_path: Path):
    clips = load(scans.write_vocaset(tmp_path)).clips
    bases = {id(clip.motion.basis) for clip in clips if clip.split == "train"}
    assert len(bases) == 1


def test_raw_vocaset_is_not_read_whole(load, tmp_path: Path):
    scans.write_vocaset_raw(tmp_path)
    vertices = np.load(tmp_path / "data_verts.npy")
    padded = np.concatenate([vertices, np.zeros((2000, scans.FLAME, 3), np.float32)])
    np.save(tmp_path / "data_verts.npy", padded)
    size = padded.nbytes
    del vertices, padded
    tracemalloc.start()
    load(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 4


def test_biwi(load, tmp_path: Path):
    data = load(scans.write_biwi(tmp_path))
    assert (data.topology, data.fps) == ("biwi", 25)
    assert {clip.name: clip.split for clip in data.clips} == {
        "F2_e01": "train",
        "F2_e33": "validation",
        "F2_e40": "test",
        "F1_e37": "test-b",
    }
    for clip in data.clips:
        seed = {"F2_e01": 1, "F2_e33": 2, "F2_e40": 3, "F1_e37": 4}[clip.name]
        moved = torch.from_numpy(scans.talking(scans.BIWI, 25, 25.0, seed)).float()
        torch.testing.assert_close(clip.motion.offsets(), moved, atol=2e-6, rtol=1e-4)
    assert data.face.lips.tolist() == list(range(60))
    assert data.face.upper_face.tolist() == list(range(100, 150))


def test_the_lip_gap_of_biwi_lies_between_neighbours_that_part(load, tmp_path: Path):
    data = load(scans.write_biwi(tmp_path))
    assert (int(data.face.inner_upper), int(data.face.inner_lower)) == (9, 10)
    gap = lip_gap(data.clips[1].motion, data.face)
    assert gap.min() < 0.002 and gap.max() > 0.009


def test_without_masks_the_lips_of_vocaset_are_those_of_a_list(load, tmp_path: Path):
    scans.write_vocaset(tmp_path)
    scans.write_lists(tmp_path)
    assert len(load(tmp_path).face.lips) == 20
    _without("FLAME_masks.pkl")(tmp_path)
    assert len(load(tmp_path).face.lips) == 60


def test_speech_motion_clips_keep_the_head_they_are_for(load, tmp_path: Path, face: FaceGeometry):
    weights = np.random.default_rng(0).random((60, 1), np.float32)
    np.savez(tmp_path / "a.npz", arkit=weights, arkit_names=["jawOpen"], fps=30)
    write_wav(tmp_path / "a.wav", syllables(2.0)[0])
    data = load(tmp_path)
    assert (data.topology, data.fps, data.face) == ("small-head", 25, face)
    assert [(clip.name, clip.split) for clip in data.clips] == [("a", None)]


def test_published_splits_have_their_published_sizes():
    def count(subjects, split, of) -> dict:
        parts = [split(subject, n) for subject in subjects for n in range(42)]
        return {part: parts.count(part) for part in of}

    parts = ("train", "validation", "test", "test-b")
    assert list(count(VOCASET_SUBJECTS, vocaset_split, parts).values()) == [320, 40, 40, 0]
    assert list(count(BIWI_SUBJECTS, biwi_split, parts).values()) == [192, 24, 24, 32]
    assert vocaset_split("FaceTalk_170811_03275_TA", 20) is None
    assert vocaset_split("somebody", 21) is None and biwi_split("F9", 1) is None


def _without(name: str):
    def change(folder: Path) -> None:
        path = next(folder.rglob(name))
        path.unlink()

    return change


def _with(name: str, text: str):
    def change(folder: Path) -> None:
        next(folder.rglob(name)).write_text(text)

    return change


@pytest.mark.parametrize(
    ("write", "change", "match"),
    [
        (scans.write_vocaset, _without("FLAME_masks.pkl"), r"lve\.txt: is missing; CodeTalker"),
        (scans.write_vocaset, _without("templates.pkl"), r"templates\.pkl: there is no"),
        (scans.write_vocaset, _without("*_sentence40.wav"), r"sentence40\.wav: the recording"),
        (scans.write_vocaset, _with("*_sentence40.npy", "x"), r"sentence40\.npy: not a readable"),
        (scans.write_vocaset_raw, _without("raw_audio_fixed.pkl"), r"raw_audio_fixed\.pkl: there"),
        (scans.write_vocaset_raw, _with("data_verts.npy", "x"), r"data_verts\.npy: not a readable"),
        (scans.write_biwi, _with("lve.txt", "1, 23370"), r"lve\.txt: names vertex 23370 of"),
        (scans.write_biwi, _with("lve.txt", "one"), r"lve\.txt: is no list"),
    ],
)
def test_what_is_missing_or_wrong_is_named(load, tmp_path: Path, write, change, match: str):
    change(write(tmp_path))
    with pytest.raises((FileNotFoundError, ValueError), match=match):
        load(tmp_path)


def test_folders_of_no_known_format_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        recognise(tmp_path / "gone")
    (tmp_path / "vertices_npy").mkdir()
    np.save(tmp_path / "vertices_npy" / "me.npy", np.zeros((2, 15069)))
    with pytest.raises(ValueError, match=r"me\.npy: is named neither"):
        recognise(tmp_path)


def test_other_subjects_and_shapes_are_named(load, tmp_path: Path):
    scans.write_vocaset(tmp_path)
    path = next((tmp_path / "vertices_npy").glob("*_sentence40.npy"))
    np.save(path, np.zeros((5, 9), np.float32))
    with pytest.raises(ValueError, match=r"has shape \(5, 9\), expected \[T, 15069\]"):
        load(tmp_path)
    for npy in (tmp_path / "vertices_npy").glob("*.npy"):
        npy.rename(npy.with_name(f"Me{npy.name}"))
    with pytest.raises(ValueError, match="no recording of the published training subjects"):
        load(tmp_path)
