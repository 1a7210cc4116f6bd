"""Tracks of heads and what is told of the voice beside them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pose_tracks import write_tracks
from voices import utterance

from audio2mesh.pose_vae.tracks import (
    FEATURES,
    load_track,
    load_tracks,
    split_tracks,
    voice_features,
)
from audio2mesh.prosody.listener import prosody_of
from audio2mesh.sound.waveform import load_audio
from common.errors import InputError


def column(voice: torch.Tensor, name: str) -> np.ndarray:
    return voice[:, FEATURES.index(name)].numpy()


def test_the_voice_in_frames_of_motion():
    sound, spans, _ = utterance([8, 6], [3], np.random.default_rng(0))
    prosody = prosody_of(sound)
    voice = voice_features(prosody, 150)
    assert voice.shape == (150, len(FEATURES)) and voice.isfinite().all()
    ends = int(len(prosody) / 4)
    assert (column(voice, "known")[:ends] == 1).all() and not voice[ends + 1 :].any()
    times = (np.arange(150) + 0.5) / 25
    start, end = spans[0]
    within = (times > start + 0.1) & (times < end - 0.1)
    assert (column(voice, "speaking")[within] == 1).all()
    left = 2 * column(voice, "left")[within]
    np.testing.assert_allclose(left, np.minimum(end - times[within], 2), atol=0.08)


def test_a_track_is_brought_to_the_frames_of_the_network(tmp_path: Path):
    (track,) = load_tracks(write_tracks(tmp_path / "tracks", 1))
    seconds = len(load_audio(tmp_path / "tracks" / "0.wav")) / 16_000
    assert len(track.angles) == len(track.voice) == pytest.approx(25 * seconds, abs=2)
    assert track.angles.median(0).values.abs().max() < 1e-4
    energy = column(track.voice, "energy")
    assert np.corrcoef(track.angles[:, 1].numpy(), energy)[0, 1] > 0.95


def test_sound_that_runs_ahead_is_set_right(tmp_path: Path):
    folder = write_tracks(tmp_path / "tracks", 1)
    path = folder / "0.npz"
    arrays = dict(np.load(path))
    late = np.concatenate([np.repeat(arrays["head"][:1], 6, axis=0), arrays["head"]])
    np.savez(path, head=late, fps=arrays["fps"], sync_lag_ms=np.array(200.0))
    track = load_track(path)
    energy = column(track.voice, "energy")
    assert np.corrcoef(track.angles[:, 1].numpy(), energy)[0, 1] > 0.95


def test_a_track_without_sound_says_so(tmp_path: Path):
    (track,) = load_tracks(write_tracks(tmp_path / "tracks", 1, sound=False))
    assert not track.voice.any()


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"head": np.zeros((50, 3), np.float32)}, "has no array 'fps'"),
        ({"head": np.zeros((50, 2), np.float32), "fps": np.array(25.0)}, r"the shape \[50, 2\]"),
        ({"head": np.full((50, 3), np.nan), "fps": np.array(25.0)}, "not finite"),
        ({"head": np.zeros((50, 3)), "fps": np.array(0.0)}, "'fps' is 0"),
        ({"head": np.zeros((1, 3)), "fps": np.array(25.0)}, "too few"),
        ({"fps": np.array(25.0)}, "no tracks"),
    ],
)
def test_a_file_that_is_no_track_is_told(tmp_path: Path, arrays: dict, words: str):
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=words):
        load_tracks(tmp_path)


def test_tracks_that_are_not_there_are_told(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no such folder of tracks"):
        load_tracks(tmp_path / "gone")
    folder = write_tracks(tmp_path / "tracks", 1, sound=False)
    with pytest.raises(InputError, match="no track is called you"):
        split_tracks([folder], ["you"])
    with pytest.raises(InputError, match="every track is held out"):
        split_tracks([folder], ["0"])
