import numpy as np
import pytest
import torch
from support import write_wav
from talking_faces import talk

from audio2mesh.clips import FaceUnits
from audio2mesh.evaluation.recordings import load_recordings
from audio2mesh.phones import Phone, to_arrays

UNITS = FaceUnits(("jawOpen",), torch.zeros(1, 12, 3))
REST = torch.zeros(12, 3)
PHONES = (Phone("M", 0.0, 0.25), Phone("AA", 0.25, 0.5))


@pytest.fixture
def folder(tmp_path):
    for name in ("all", "heard", "spoken"):
        write_wav(tmp_path / f"{name}.wav", talk()[1])
    arkit = {"arkit": np.zeros((300, 1), np.float32), "arkit_names": np.array(["jawOpen"])}
    np.savez(tmp_path / "all.npz", fps=30, **arkit, **to_arrays(PHONES))
    np.savez(tmp_path / "spoken.npz", **to_arrays(PHONES))
    return tmp_path


def test_truth_and_phones_are_read_where_they_are(folder):
    every, heard, spoken = load_recordings([folder], (), UNITS, REST)
    assert every.clip is not None and every.phones == PHONES and every.name == "all"
    assert heard.clip is None and heard.phones == () and heard.truth(25, 10) is None
    assert spoken.clip is None and spoken.phones == PHONES
    assert spoken.seconds == 10


def test_some_can_be_chosen_and_folders_tell_them_apart(folder, tmp_path):
    (one,) = load_recordings([folder], ("heard",), UNITS, REST)
    assert one.name == "heard"
    other = tmp_path / "other"
    other.mkdir()
    write_wav(other / "heard.wav", talk()[1])
    found = load_recordings([folder, other], (f"{other.name}/heard",), UNITS, REST)
    assert [recording.name for recording in found] == ["other/heard"]


def test_bad_folders_are_one_sentence(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load_recordings([tmp_path / "gone"], (), UNITS, REST)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no recordings"):
        load_recordings([empty], (), UNITS, REST)
    with pytest.raises(ValueError, match="no recording is called sung; there are all, heard"):
        load_recordings([folder], ("sung",), UNITS, REST)
    (folder / "all.wav").unlink()
    with pytest.raises(ValueError, match="no recording lies beside"):
        load_recordings([folder], (), UNITS, REST)
