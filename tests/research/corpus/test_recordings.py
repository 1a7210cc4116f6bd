"""Folders of voices and the recordings that are kept for tests."""

import numpy as np
import pytest
from scipy.io import wavfile

from research.corpus.recordings import find_voices, is_held_out


def record(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, 16_000, np.zeros(round(seconds * 16_000), np.int16))


def test_every_folder_with_recordings_is_a_voice(tmp_path):
    record(tmp_path / "anna" / "digits" / "1.wav")
    record(tmp_path / "anna" / "hello.WAV")
    record(tmp_path / "berta" / "x.wav")
    (tmp_path / "anna" / "transcripts.txt").write_text("digits/1: one\nhello: hello\nmore: more\n")
    (tmp_path / "empty").mkdir()
    anna, berta = find_voices(tmp_path)
    assert (anna.name, sorted(anna.recordings)) == ("anna", ["digits/1", "hello"])
    assert anna.transcripts is not None and anna.transcripts["digits/1"] == "one"
    assert berta.transcripts is None


def test_hold_out_is_stable_disjoint_and_of_the_asked_share():
    names = [f"digits/{number}" for number in range(2000)]
    held = {name for name in names if is_held_out("anna", name, 0.12)}
    assert 0.1 < len(held) / len(names) < 0.14
    assert held == {name for name in reversed(names) if is_held_out("anna", name, 0.12)}
    assert held != {name for name in names if is_held_out("berta", name, 0.12)}
    assert held <= {name for name in names if is_held_out("anna", name, 0.2)}
    assert not any(is_held_out("anna", name, 0.0) for name in names)
    first = [name for name in names[:60] if name in held]  # as it was when this was written
    assert [name.removeprefix("digits/") for name in first] == ["7", "8", "29", "36", "37", "56"]


def test_no_such_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_voices(tmp_path / "absent")


def test_a_folder_without_voices(tmp_path):
    record(tmp_path / "loose.wav")
    with pytest.raises(ValueError, match="holds no voices"):
        find_voices(tmp_path)


def test_transcripts_of_other_recordings(tmp_path):
    record(tmp_path / "anna" / "hello.wav")
    (tmp_path / "anna" / "transcripts.txt").write_text("other: words\n")
    with pytest.raises(ValueError, match="names none of the recordings"):
        find_voices(tmp_path)
