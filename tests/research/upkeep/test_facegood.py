from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import VERTICES, syllables
from support import write_wav

from audio2mesh.data.clips import load_clips
from audio2mesh.data.face_geometry import FaceUnits
from audio2mesh.sound.waveform import load_audio
from research.upkeep.facegood_release import FPS, convert_release, face_map, motion_lag, to_arkit

SECONDS = 8.0


def _column(name: str) -> int:
    return face_map().source_names.index(name)


def _values(lag: float, seed: int = 0) -> np.ndarray:
    """Weights [T, 116] whose jaw follows the loudness of `syllables` after `lag` seconds."""
    times = np.arange(round(SECONDS * FPS)) / FPS
    loudness = syllables(SECONDS, seed)[1]
    values = np.zeros((len(times), 116))
    jaw = np.interp(times - lag, np.arange(len(loudness)) / 16_000, loudness)
    values[:, _column("mouth_stretch_c")] = jaw
    values[:, _column("mouth_pucker_l")] = values[:, _column("mouth_pucker_r")] = 0.3 * jaw
    return values


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The released folders with two clips, one of them reserved, and a wav without motion."""
    train = tmp_path / "FACEGOOD-Audio2Face" / "code" / "train"
    (train / "bs_value").mkdir(parents=True)
    (train / "wav").mkdir()
    for seed, name in enumerate(("1114_2_01", "1114_2_05", "1114_2_06")):
        write_wav(train / "wav" / f"{name}.wav", syllables(SECONDS, seed)[0])
        if name != "1114_2_06":
            np.save(train / "bs_value" / f"bs_value_{name}.npy", _values(0.02, seed))
    return tmp_path / "FACEGOOD-Audio2Face"


def test_the_release_becomes_clips(release: Path, tmp_path: Path):
    done = list(convert_release(release, tmp_path / "clips", ("1114_2_05",)))
    assert [line.split(":")[0] for line in done] == ["1114_2_01", "1114_2_05"]
    assert "left out" in done[1]
    names = face_map().arkit_names
    units = FaceUnits(names, 0.01 * torch.randn(52, VERTICES, 3))
    (clip,) = load_clips(tmp_path / "clips", units, torch.zeros(VERTICES, 3))
    assert (clip.name, clip.fps, clip.origin) == ("1114_2_01", 30, "solved")
    assert clip.style == "facegood-pucker"
    assert clip.lag == pytest.approx(0.02, abs=0.004)
    source = load_audio(release / "code" / "train" / "wav" / "1114_2_01.wav")
    assert np.array_equal(clip.audio, source)
    expected = torch.from_numpy(to_arkit(_values(0.02))) @ units.offsets.flatten(1)
    torch.testing.assert_close(clip.motion.offsets().flatten(1), expected)
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == [
        "1114_2_01.npz",
        "1114_2_01.wav",
    ]


def test_the_map_takes_the_rig_to_arkit():
    values = np.zeros((3, 116))
    values[0, _column("mouth_stretch_c")] = 0.5
    values[1, [_column("mouth_press_l"), _column("mouth_press_r")]] = 1.0
    values[2, _column("mouth_oh_c")] = 2.0
    arkit = to_arkit(values)
    at = face_map().arkit_names.index
    assert arkit[0, at("jawOpen")] == 0.5 and np.count_nonzero(arkit[0]) == 1
    assert arkit[1, at("mouthPressLeft")] == arkit[1, at("mouthPressRight")] == 1
    assert arkit[1, at("mouthClose")] == 0  # the jaw is shut
    assert arkit[2, at("mouthPucker")] == 1 and arkit[2, at("mouthFunnel")] == pytest.approx(0.7)
    values[1, _column("mouth_stretch_c")] = 0.2
    assert to_arkit(values)[1, at("mouthClose")] == pytest.approx(0.2)


def test_every_arkit_unit_has_one_name_and_paired_units_have_paired_weights():
    mapping = face_map()
    assert mapping.weights.shape == (116, 52)
    assert len(set(mapping.source_names)) == 116 and len(set(mapping.arkit_names)) == 52
    jaw = mapping.weights[:, mapping.arkit_names.index("jawOpen")]
    assert np.flatnonzero(jaw).tolist() == [_column("mouth_stretch_c")]
    for name in ("mouthSmile", "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp"):
        left, right = (
            mapping.weights[:, mapping.arkit_names.index(f"{name}{side}")].sum()
            for side in ("Left", "Right")
        )
        assert left == right > 0


@pytest.mark.parametrize("lag", [-0.1, -0.013, 0.0, 0.05, 0.2])
def test_the_lag_is_measured(lag: float):
    jaw = _values(lag)[:, _column("mouth_stretch_c")]
    assert motion_lag(jaw, syllables(SECONDS)[0]) == pytest.approx(lag, abs=0.004)


def test_what_is_missing_or_wrong_is_named(release: Path, tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="give the folder of github"):
        list(convert_release(tmp_path / "gone", tmp_path / "out", ()))
    motion = release / "code" / "train" / "bs_value" / "bs_value_1114_2_01.npy"
    for content in (np.zeros((5, 52)), np.full((5, 116), np.nan)):
        np.save(motion, content)
        with pytest.raises(ValueError, match=r"bs_value_1114_2_01\.npy: has shape"):
            list(convert_release(release, tmp_path / "out", ()))
    np.save(motion, _values(0.0))
    (release / "code" / "train" / "wav" / "1114_2_01.wav").unlink()
    with pytest.raises(FileNotFoundError, match=r"1114_2_01\.wav"):
        list(convert_release(release, tmp_path / "out", ()))
    assert not (tmp_path / "out" / "1114_2_01.npz").exists()
