"""Any motion as a few morph targets."""

from collections.abc import Iterator

import pytest
import torch
from head_meshes import HEAD
from torch import Tensor

from avatar.drive import motion as module
from avatar.drive.export import morph_targets
from avatar.drive.motion import Curves, DrivenMotion
from avatar.heads.arkit import WEIGHTS
from avatar.retarget.fitted_face import shipped_face

UNITS = ("jawOpen", "mouthPucker", "mouthFrownLeft")


def saved(offsets: Tensor) -> DrivenMotion:
    """Motion of anny-head of which nothing is known but its offsets [F, S, 3]."""
    poses = torch.eye(4).expand(len(offsets), 4, 4)
    return DrivenMotion(shipped_face(), lambda: iter(offsets.split(32)), poses, 25.0)


def random_motion(frames: int) -> Tensor:
    mix = torch.randn(frames, 3, generator=torch.manual_seed(0))
    return torch.einsum("fk,kvx->fvx", mix, torch.stack([HEAD.unit(name) for name in UNITS]))


@pytest.mark.parametrize("frames", [1, 2, 50, 700])
def test_a_few_targets_make_saved_motion_again(frames: int):
    offsets = random_motion(frames)
    targets = morph_targets(saved(offsets))
    assert len(targets.names) == len(targets.offsets) <= 3
    assert targets.weights.shape == (frames, len(targets.names))
    assert targets.weights.abs().max() <= 1.001
    again = torch.einsum("fk,kvx->fvx", targets.weights, targets.offsets)
    assert (again - offsets).norm() < 0.011 * offsets.norm()


def test_motion_that_is_none_has_weights_all_the_same():
    targets = morph_targets(saved(torch.zeros(40, 5000, 3)))
    assert not targets.weights.any() and targets.offsets.isfinite().all()


def test_only_so_many_frames_are_held(monkeypatch: pytest.MonkeyPatch):
    """As many as their bytes allow, from the first to the last."""
    monkeypatch.setattr(module, "SAMPLE_BYTES", 7 * 12 * 5000)
    frames = random_motion(100)
    assert torch.equal(
        module._sampled(saved(frames)), frames[[0, 16, 33, 49, 66, 82, 99]].flatten(1)
    )
    again = morph_targets(saved(frames))
    apart = torch.einsum("fk,kvx->fvx", again.weights, again.offsets) - frames
    assert apart.norm() < 0.011 * frames.norm()


def test_units_keep_their_names_and_their_size():
    """What is known of the motion is written as it is, speech at its own reach."""
    names = ("speech_00", "jawOpen")
    basis = torch.stack([HEAD.unit("mouthPucker"), HEAD.unit("jawOpen")])
    chunks = [torch.tensor([[-3.0, 0.2]]), torch.tensor([[1.5, 0.6], [0.0, 0.0]])]

    def coefficients() -> Iterator[Tensor]:
        return iter(chunks)

    curves = Curves(names, basis, coefficients)
    poses = torch.eye(4).expand(3, 4, 4)
    targets = morph_targets(DrivenMotion(shipped_face(), curves.offsets, poses, 25.0, curves))
    assert targets.names == names and "jawOpen" in WEIGHTS
    assert torch.allclose(targets.offsets, basis * torch.tensor([3.0, 1.0])[:, None, None])
    assert torch.allclose(targets.weights, torch.tensor([[-1, 0.2], [0.5, 0.6], [0, 0]]))
