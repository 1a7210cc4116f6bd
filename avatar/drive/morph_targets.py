"""Motion as the weights of a few morph targets over time."""

import torch
from torch import Tensor

from avatar.avatar_io.animated_glb import MorphTargets
from avatar.drive.motion import Curves, DrivenMotion
from avatar.heads.arkit import WEIGHTS

SAMPLES = 300  # frames from which the directions are found, at most
SAMPLE_BYTES = 2**27  # of them, about
DIRECTIONS = 48  # at most
LEFT_OUT = 1e-4  # of the sampled frames' energy may be left out


def morph_targets(motion: DrivenMotion) -> MorphTargets:
    """The directions that a motion is made of, or else its principal ones; weights lie in [-1, 1],
    and those of targets with the name of an ARKit unit in [0, 1], the unit being the target."""
    curves = motion.curves or principal_curves(motion)
    weights = torch.cat(list(curves.coefficients()))  # [F, K]
    reach = weights.abs().amax(0).clamp(min=1e-12)
    reach[torch.tensor([name in WEIGHTS for name in curves.names])] = 1.0
    return MorphTargets(curves.names, curves.basis * reach[:, None, None], weights / reach)


def principal_curves(motion: DrivenMotion) -> Curves:
    """Motion on an orthonormal basis without no more than LEFT_OUT of its energy, found from frames
    spread over all of it; the offsets are read once here, and once for the curves."""
    some = _sampled(motion)  # [n, 3 V]
    energies, mix = torch.linalg.eigh((some @ some.T).double())
    energies, mix = energies.flip(0).clamp(min=0), mix.flip(1).float()
    short = energies.cumsum(0) < (1 - LEFT_OUT) * energies.sum()
    kept = min(int(short.sum()) + 1, DIRECTIONS, len(some))
    basis = torch.linalg.qr((mix[:, :kept].T @ some).T).Q.T  # [K, 3 V]
    names = tuple(f"motion_{k:02d}" for k in range(kept))
    coefficients = lambda: (chunk.flatten(1) @ basis.T for chunk in motion.offsets())  # noqa: E731
    return Curves(names, basis.unflatten(1, (-1, 3)), coefficients)


def _sampled(motion: DrivenMotion) -> Tensor:
    """Frames [n, 3 V] at even distances."""
    frame_bytes = 12 * len(motion.face.mesh.vertices)
    count = max(1, min(SAMPLES, SAMPLE_BYTES // frame_bytes, motion.frames))
    wanted = torch.linspace(0, motion.frames - 1, count).long()
    found, start = [], 0
    for chunk in motion.offsets():
        here = wanted[(wanted >= start) & (wanted < start + len(chunk))] - start
        found.append(chunk[here].flatten(1))
        start += len(chunk)
    return torch.cat(found)
