from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support import write_wav
from talking_faces import talk

from audio2mesh.data.face_geometry import FaceUnits
from audio2mesh.data.phones import Phone, to_arrays
from research.evaluation.options import MaterialOptions
from research.evaluation.speech.recordings import Recording, load_material

UNITS = FaceUnits(("jawOpen",), torch.zeros(1, 12, 3))
PHONES = (Phone("M", 0.0, 0.25), Phone("AA", 0.25, 0.5))


@pytest.fixture
def read(face) -> Callable[..., list[Recording]]:
    def load(folders: list[Path], *names: str) -> list[Recording]:
        options = MaterialOptions(tuple(folders), names)
        return load_material(options, UNITS, face, "tiny").recordings

    return load


@pytest.fixture
def folder(tmp_path):
    for name in ("all", "heard", "spoken"):
        write_wav(tmp_path / f"{name}.wav", talk()[1])
    arkit = {"arkit": np.zeros((300, 1), np.float32), "arkit_names": np.array(["jawOpen"])}
    phones = to_arrays(PHONES)
    for name, arrays in (("all", {"fps": np.array(30)} | arkit | phones), ("spoken", phones)):
        np.savez(tmp_path / f"{name}.npz", **arrays)  # pyright: ignore[reportArgumentType]
    return tmp_path


def test_truth_and_phones_are_read_where_they_are(read, folder):
    every, heard, spoken = read([folder])
    assert every.clip is not None and every.phones == PHONES and every.name == "all"
    assert heard.clip is None and heard.phones == () and heard.truth(25, 10) is None
    assert spoken.clip is None and spoken.phones == PHONES
    assert spoken.seconds == 10


def test_some_can_be_chosen_and_folders_tell_them_apart(read, folder, tmp_path):
    (one,) = read([folder], "heard")
    assert one.name == "heard"
    other = tmp_path / "other"
    other.mkdir()
    write_wav(other / "heard.wav", talk()[1])
    found = read([folder, other], f"{other.name}/heard")
    assert [recording.name for recording in found] == ["other/heard"]


def test_bad_folders_are_one_sentence(read, folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read([tmp_path / "gone"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no recordings"):
        read([empty])
    with pytest.raises(ValueError, match="no recording is called sung"):
        read([folder], "sung")
    (folder / "all.wav").unlink()
    with pytest.raises(ValueError, match="no recording lies beside"):
        read([folder])
