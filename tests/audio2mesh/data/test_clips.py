import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from speech_models import VERTICES, syllables, talking_clip, tiny_model
from support import write_wav
from tensor_sizes import LargestTensor

from audio2mesh.data.clips import Clip, clip_frames, common_basis, load_clips, on_basis
from audio2mesh.data.face_geometry import FaceUnits
from audio2mesh.model.motion import Motion, project
from common.errors import InputError

UNITS = FaceUnits(("jawOpen", "mouthPucker"), 0.01 * torch.randn(2, VERTICES, 3))
REST = torch.randn(VERTICES, 3)


def _write(folder, name, **arrays):
    np.savez(folder / f"{name}.npz", **arrays)
    write_wav(folder / f"{name}.wav", syllables(2.0)[0])


def test_both_kinds_of_clips_are_read(tmp_path):
    weights = np.random.default_rng(0).random((60, 2), np.float32)
    names = np.array(["mouthPucker", "jawOpen"])
    _write(tmp_path, "a", arkit=weights, arkit_names=names, fps=30, sync_lag_ms=20.0)
    offsets = torch.from_numpy(weights) @ UNITS.offsets[[1, 0]].flatten(1)
    offsets = offsets.unflatten(1, (-1, 3))
    template = REST + 0.1
    _write(tmp_path, "b", vertices=(template + offsets).numpy(), template=template.numpy(), fps=30)
    a, b = load_clips(tmp_path, UNITS, REST)
    assert (a.name, a.style, a.fps, a.lag) == ("a", "a", 30, 0.02)
    assert a.seconds == pytest.approx(2.0)
    torch.testing.assert_close(a.motion.offsets(), offsets)
    torch.testing.assert_close(b.motion.offsets(), offsets, atol=1e-5, rtol=1e-3)
    basis = common_basis([a, b])
    torch.testing.assert_close(on_basis(a, basis).motion.offsets(), offsets, atol=1e-5, rtol=1e-3)


def _long_clip(folder: Path, frames: int) -> torch.Tensor:
    """A clip of vertices whose motion has ever weaker modes; its offsets [F, 3 V]."""
    generator = torch.Generator().manual_seed(3)
    modes = torch.linalg.qr(torch.randn(3 * VERTICES, 3 * VERTICES, generator=generator))[0]
    strength = 0.01 * 10 ** (-torch.arange(3.0 * VERTICES) / 6)
    offsets = torch.randn(frames, 3 * VERTICES, generator=generator) * strength @ modes
    vertices = offsets.unflatten(1, (-1, 3)).numpy()
    _write(folder, "long", vertices=vertices, template=np.zeros((VERTICES, 3)), fps=30)
    return offsets


def test_a_long_clip_of_vertices_takes_little_memory(tmp_path: Path):
    """Beside its vertices: no square of its frames."""
    _long_clip(tmp_path, 6_000)
    with LargestTensor() as largest:
        load_clips(tmp_path, UNITS, REST)
    assert largest.bytes < 2**25


def test_the_basis_of_a_long_clip_is_nearly_the_best(tmp_path: Path):
    """K directions of n sampled frames leave about 1 + K/n times what the best K leave."""
    offsets = _long_clip(tmp_path, 12_000)
    (clip,) = load_clips(tmp_path, UNITS, REST)
    left = (clip.motion.offsets().flatten(1) - offsets).double().square().sum()
    energy = torch.linalg.svdvals(offsets.double()).square()
    count = len(clip.motion.basis)
    assert 20 < count < 3 * VERTICES
    assert left < 1.1 * energy[count:].sum()


def test_the_common_basis_sees_short_clips_beyond_their_first_frame():
    """Many clips that start at rest and move later."""
    offsets = UNITS.offsets.flatten(1)
    clips = []
    for k in range(40):
        curve = torch.zeros(60, 2)
        curve[k % 30 + 5 :, k % 2] = 1.0
        clips.append(
            Clip(str(k), "a", np.zeros(32_000, np.float32), Motion(curve, UNITS.offsets), 30, 0)
        )
    basis = common_basis(clips)
    spanned = project(UNITS.offsets, basis) @ basis.flatten(1)
    torch.testing.assert_close(spanned, offsets, atol=1e-5, rtol=1e-3)


def test_bad_clips_are_named(tmp_path):
    with pytest.raises(ValueError, match="no speech-motion clips"):
        load_clips(tmp_path, UNITS, REST)
    jaw = {"arkit": np.zeros((3, 1)), "arkit_names": ["jawOpen"]}
    for arrays, match in (
        ({"arkit": np.zeros((3, 1))}, "frame rate"),
        ({"fps": 30}, "neither `arkit`"),
        ({"fps": 30, "arkit": np.zeros((3, 1)), "arkit_names": ["wings"]}, "named wings"),
        ({"fps": 30, "vertices": np.zeros((3, 5, 3))}, "[3, 5, 3], not [*, 12, 3]"),
        ({"fps": "fast", **jaw}, "'fps' is fast, not a number"),
        ({"fps": [30, 31], **jaw}, "'fps' is"),
        ({"fps": 0, **jaw}, "'fps' is 0"),
        ({"fps": 30, "sync_lag_ms": "late", **jaw}, "'sync_lag_ms' is late"),
        ({"fps": 30, **jaw, "arkit": 1.0}, "'arkit' has the shape"),
        ({"fps": 30, **jaw, "arkit": np.zeros((3, 2))}, "'arkit' has the shape"),
        (
            {"fps": 30, **jaw, "arkit": np.full((3, 1), np.nan)},
            "'arkit' holds numbers",
        ),
        ({"fps": 30, **jaw, "arkit": np.array([["x"]])}, "'arkit' holds"),
        ({"fps": 30, **jaw, "arkit_names": 3}, "named 3"),
        ({"fps": 30, **jaw, "phone_labels": 3, "phone_times": 3}, "phone_times has the shape []"),
        ({"fps": 30, "vertices": np.full((3, 12, 3), np.inf)}, "'vertices' holds numbers"),
        ({"fps": 30, "vertices": 1.0}, "'vertices' has the shape"),
        ({"fps": 30, "vertices": np.array(["a"])}, "'vertices' holds"),
    ):
        _write(tmp_path, "bad", **arrays)
        with pytest.raises(InputError, match=re.escape(match)):
            load_clips(tmp_path, UNITS, REST)
    (tmp_path / "bad.wav").unlink()
    with pytest.raises(ValueError, match="no recording"):
        load_clips(tmp_path, UNITS, REST)


def test_lag_shifts_the_motion_against_the_sound():
    clip = talking_clip(tiny_model())
    late = replace(clip, lag=0.2)
    torch.testing.assert_close(clip_frames(late, 25, 200)[:-10], clip_frames(clip, 25, 205)[5:-10])


def test_phones_and_origin_are_read(tmp_path):
    phones = {"phone_labels": ["SIL", "M"], "phone_times": [[0.0, 0.1], [0.1, 0.2]]}
    motion = {"fps": 30, "arkit": np.zeros((60, 1)), "arkit_names": ["jawOpen"]}
    _write(tmp_path, "a", **motion, **phones, origin="modelled")
    _write(tmp_path, "b", **motion)
    a, b = load_clips(tmp_path, UNITS, REST)
    assert [phone.label for phone in a.phones] == ["SIL", "M"] and a.origin == "modelled"
    assert b.phones == () and b.origin == "captured"
    _write(tmp_path, "a", **motion, origin="guessed")
    with pytest.raises(ValueError, match=r"a\.npz: origin 'guessed'"):
        load_clips(tmp_path, UNITS, REST)
    _write(tmp_path, "a", **motion, **{**phones, "phone_labels": ["SIL", "XX"]})
    with pytest.raises(ValueError, match=r"a\.npz: 'XX'"):
        load_clips(tmp_path, UNITS, REST)
