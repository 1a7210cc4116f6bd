"""Training losses: small functions of predicted and true motion, composed by weights; and critics.

Every loss takes (predicted, true, face) with motion [B, F, ..] and returns a scalar; distances are
in millimetres, so that weights of about 1 are the natural ones. A critic is a learned loss of a
batch: SyncNet3D or the lip-reading network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from audio2mesh.data.face_geometry import MM, FaceGeometry, lip_gap, teeth_distance, tongue_reach
from audio2mesh.model.motion import Motion

EXPECTILE = 0.8
"""Which expectile of how far forward the tongue may be is learned."""

LEAST_SWING = 0.2
"""Standard deviation over a window, mm, below which motion of the lips counts as none."""

Loss = Callable[[Motion, Motion, FaceGeometry], Tensor]


def vertex_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Mean over frames and all vertices of the squared distance, mm².

    Both motions lie on the same orthogonal basis, so coefficients can be summed.
    """
    unit = predicted.basis[0].square().sum() / predicted.basis.shape[1]
    squared = (predicted.coefficients - true.coefficients).square().sum(-1)
    return squared.mean() * unit * MM**2


def lip_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Mean over frames and lip vertices of the squared distance, mm²."""
    return _mean_square(predicted.coefficients - true.coefficients, predicted.basis, face)


def velocity_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """The lip loss of frame-to-frame differences, mm²."""
    error = predicted.coefficients - true.coefficients
    return _mean_square(error.diff(dim=-2), predicted.basis, face)


def gap_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Mean absolute difference of the lip gap, mm."""
    return (lip_gap(predicted, face) - lip_gap(true, face)).abs().mean() * MM


def closure_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Mean excess of the predicted gap over the true one where the lips (nearly) touch, mm."""
    true_gap, predicted_gap = lip_gap(true, face), lip_gap(predicted, face)
    shut = torch.sigmoid((0.0015 - true_gap) / 0.0003)
    return (functional.relu(predicted_gap - true_gap) * shut).mean() * MM


def contact_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Mean excess of the lower lip's distance from the upper teeth over the true one, mm.

    Counted where the true distance is (nearly) less than 64 % of that at rest, as for f and v;
    where jaw and lips merely open it hardly falls so low. 0 for a face without teeth.
    """
    if not len(face.upper_teeth):
        return 0 * predicted.coefficients.sum()
    still = Motion(torch.zeros_like(true.coefficients[..., :1, :]), true.basis)
    rest, wanted, found = (teeth_distance(motion, face) for motion in (still, true, predicted))
    near = torch.sigmoid((0.64 - wanted / rest) / 0.02)
    return (functional.relu(found - wanted) * near).mean() * MM


def tongue_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Expectile loss of how far forward the tip of the tongue is, mm²; 0 for a face without tongue.

    It comes forward for times that the sound does not tell for sure, and a mean over all that
    may be shows next to nothing of it: so where it stays behind counts more than where it is ahead.
    """
    if not len(face.tongue):
        return 0 * predicted.coefficients.sum()
    behind = tongue_reach(true, face) - tongue_reach(predicted, face)
    share = torch.where(behind > 0, EXPECTILE, 1 - EXPECTILE)
    return (share * behind.square()).mean() * MM**2


def timing_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """1 less the correlation of the lip gap over a window, mean over the windows.

    It asks for the timing of the motion and leaves its size: what modelled motion and motion in
    somebody else's style can teach.
    """
    return _disagreement(predicted, true, face)[:, 0].mean()


def width_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """The same of the mouth's width, which speakers differ in more."""
    return _disagreement(predicted, true, face)[:, 1].mean()


def _disagreement(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """[B, 2] 1 less the correlations of lip gap and mouth width. Motion of next to no size
    correlates with nothing."""
    ours, theirs = _over_time(predicted, face), _over_time(true, face)
    least = LEAST_SWING * ours.shape[-1] ** 0.5
    sizes = ours.norm(dim=-1).clamp_min(least) * theirs.norm(dim=-1).clamp_min(least)
    return 1 - (ours * theirs).sum(-1) / sizes


def swing_loss(predicted: Motion, true: Motion, face: FaceGeometry) -> Tensor:
    """Squared logarithm of the ratio of the two standard deviations over a window, of lip gap and
    mouth width: squared errors alone make motion too small where the sound leaves it open."""
    ours, theirs = _over_time(predicted, face), _over_time(true, face)
    sizes = [curves.square().mean(-1).clamp_min(LEAST_SWING**2) for curves in (ours, theirs)]
    return (sizes[0] / sizes[1]).log().div(2).square().mean(0).sum()


def _over_time(motion: Motion, face: FaceGeometry) -> Tensor:
    """Lip gap and mouth width [B, 2, F] in mm, each less its mean over the window."""
    ends = motion.offsets(face.corners)[..., 0]  # [B, F, 2]
    width = ends[..., 1] - ends[..., 0]
    curves = torch.stack([lip_gap(motion, face), width], -2) * MM
    return curves - curves.mean(-1, keepdim=True)


LOSSES: Mapping[str, Loss] = {
    "vertices": vertex_loss,
    "lips": lip_loss,
    "velocity": velocity_loss,
    "gap": gap_loss,
    "closure": closure_loss,
    "contact": contact_loss,
    "timing": timing_loss,
    "width": width_loss,
    "swing": swing_loss,
}

UNCOPIED = ("closure", "contact", "timing", "swing")
"""Those that also hold for motion that is not to be copied: when the lips meet, and how far they
swing, without which a mouth that only learns to close opens less."""

PHONED_LOSSES: Mapping[str, Loss] = {"sealing": closure_loss, "tongue": tongue_loss}
"""Of windows alone whose phones are known: there a touch of the lips is a certain one, and the
tongue, which no film shows well enough to solve, moves at all."""


def total_loss(
    predicted: Motion, true: Motion, face: FaceGeometry, weights: Mapping[str, float]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum of the named losses, and each one by itself; weight 0 leaves a loss out."""
    terms = {
        name: LOSSES[name](predicted, true, face) for name, weight in weights.items() if weight
    }
    values = [weights[name] * value for name, value in terms.items()]
    return torch.stack(values).sum() if values else 0 * predicted.coefficients.sum(), terms


def partly_copied_losses(
    predicted: Motion,
    true: Motion,
    face: FaceGeometry,
    weights: Mapping[str, float],
    copied: Tensor,
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum, and each loss by itself, where all losses count in the windows marked in
    `copied` [B] and `UNCOPIED` in the others: parts of means over all windows."""
    parts = [(copied, weights), (~copied, {n: w for n, w in weights.items() if n in UNCOPIED})]
    total, terms = predicted.coefficients.new_zeros(()), {}
    for rows, own in parts:
        if rows.any():
            ours, theirs = (Motion(m.coefficients[rows], m.basis) for m in (predicted, true))
            part, found = total_loss(ours, theirs, face, own)
            share = rows.float().mean()
            total = total + share * part
            for name, value in found.items():
                terms[name] = terms.get(name, 0) + share * value
    return total, terms


def phoned_losses(
    predicted: Motion,
    true: Motion,
    face: FaceGeometry,
    weights: Mapping[str, float],
    known: Tensor,
) -> dict[str, Tensor]:
    """The losses of the windows marked in `known` [B], as parts of means over all windows; weight
    0 leaves a loss out."""
    asked = [name for name in PHONED_LOSSES if weights[name]]
    if not known.any():
        return {name: 0 * predicted.coefficients.sum() for name in asked}
    ours, theirs = (Motion(m.coefficients[known], m.basis) for m in (predicted, true))
    share = known.float().mean()
    return {name: PHONED_LOSSES[name](ours, theirs, face) * share for name in asked}


def _mean_square(coefficients: Tensor, basis: Tensor, face: FaceGeometry) -> Tensor:
    """Mean squared length in mm² of the lips' offsets with coefficients [.., K]."""
    return ((coefficients @ lip_gram(basis, face)) * coefficients).sum(-1).mean() * MM**2


def lip_gram(basis: Tensor, face: FaceGeometry) -> Tensor:
    """[K, K] m²: its quadratic form of coefficients is the lips' mean squared offset."""
    lips = basis[:, face.lips].flatten(1)
    return lips @ lips.T / len(face.lips)


@dataclass(frozen=True)
class Batch:
    """B windows of F frames."""

    predicted: Motion  # [B, F, ..]
    true: Motion  # [B, F, ..]
    mel: Tensor  # [B, T, 80] log-mel of the sound as recorded, before any augmentation, 100 Hz
    clips: tuple[str, ...]  # the recording that each window was cut from
    times: Tensor  # [B, F] seconds of that recording at the frames' centres; NaN outside it


Critic = Callable[[Batch], Tensor]
"""A batch → its loss, a scalar, differentiable in `predicted`."""
