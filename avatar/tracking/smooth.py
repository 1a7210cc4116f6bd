"""What a film's frames say together: no tremble in the head, and a neutral face that is at rest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation
from torch import Tensor

from avatar.heads.lips import seal_lips
from avatar.mesh.vectors import Ints
from avatar.tracking.contact import MOUTH, lips_apart
from avatar.tracking.model import FaceModel
from avatar.tracking.state import Moment, Person

POSE_SECONDS = 0.04  # standard deviation of the smoothing of the head's pose
SLOW_SECONDS = 0.05  # and of the units that never move fast
SLOW = ("brow", "cheek", "noseSneer", "eyeSquint", "eyeWide")
NEUTRAL_SHARE = 0.05  # of the frames show less of a unit than the face at rest has
OPEN_SHARE = 0.25  # of the frames have the lids farther open than at rest
CLUSTER = 0.2  # of the frames: so many at least have the lips as they are when they are shut
NEARER = 0.5  # of the frames: the shut ones are among those with the lips nearest
NEVER_NEUTRAL = ("eyeLook", "mouthClose", "tongueOut")
"""What must not be taken for the form of a face."""
MOST_NEUTRAL = 0.7  # of a unit that the face at rest may have
MOST_OPEN = 0.15  # of jawOpen: who speaks shuts the mouth, so that so much is an error


def smoothed(model: FaceModel, moments: Sequence[Moment], fps: float) -> list[Moment]:
    """Moments in the order of the film, smoothed forwards and backwards alike, so that nothing is
    late. Lips, jaw, lids and gaze stay as they are: a closure lasts no longer than two frames."""
    rotations = Rotation.from_matrix(torch.stack([one.rotation for one in moments]).numpy())
    middle = rotations.mean()
    turns = gaussian_filter1d((middle.inv() * rotations).as_rotvec(), POSE_SECONDS * fps, axis=0)
    shifts = torch.stack([one.translation for one in moments]).numpy()
    shifts = gaussian_filter1d(shifts, POSE_SECONDS * fps, axis=0)
    weights = torch.stack([one.weights for one in moments]).numpy()
    slow = [k for k, name in enumerate(model.head.unit_names) if name.startswith(SLOW)]
    weights[:, slow] = gaussian_filter1d(weights[:, slow], SLOW_SECONDS * fps, axis=0)
    turned = (middle * Rotation.from_rotvec(turns)).as_matrix()
    return [
        Moment(torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c))
        for a, b, c in zip(turned, shifts, weights, strict=True)
    ]


def neutral_weights(model: FaceModel, person: Person, weights: Tensor) -> Tensor:
    """[E] what the face at rest has of each unit: of weights [F, E], what nearly all frames have,
    of the lids' closure what a quarter of them, as eyes are mostly open, and of the mouth and the
    jaw what the frames have in which the lips are as they most often are: shut.

    A smile that never goes away is the form of the mouth.
    """
    usual = _usual_lips(model, person, weights)
    found = []
    for name, each in zip(model.head.unit_names, weights.T.numpy(), strict=True):
        share = OPEN_SHARE if name.startswith("eyeBlink") else NEUTRAL_SHARE
        told = np.median(each[usual]) if name.startswith(MOUTH) else np.quantile(each, share)
        found.append(0.0 if name.startswith(NEVER_NEUTRAL) else float(told))
    most = [MOST_OPEN if name == "jawOpen" else MOST_NEUTRAL for name in model.head.unit_names]
    return torch.minimum(*torch.tensor([found, most], dtype=torch.float64))


def _usual_lips(model: FaceModel, person: Person, weights: Tensor) -> Ints:
    """The frames, of weights [F, E], whose lips are most alike in how far they are apart: the
    shortest interval of gaps that holds a share of the frames (as in the half-sample mode), among
    those whose lips are nearer than in the others: a mouth may also be open alike for long."""
    apart, ways = (part[:, 1].mean(0) for part in lips_apart(model, person))  # upwards: [], [E]
    gaps = (apart + weights.to(ways) @ ways).numpy()
    count = max(1, round(CLUSTER * len(gaps)))
    order = gaps.argsort()[: max(count, round(NEARER * len(gaps)))]
    lengths = gaps[order[count - 1 :]] - gaps[order[: len(order) - count + 1]]
    first = int(lengths.argmin())
    return order[first : first + count]


def at_neutral(
    model: FaceModel, person: Person, moments: Sequence[Moment], neutral: Tensor
) -> tuple[FaceModel, list[Moment]]:
    """The same faces with the neutral weights [E] as a part of the person: units and weights begin
    there, and what was full is full. At rest the lips are sealed, whatever gap was left."""
    form = torch.einsum("e,evx->vx", neutral.to(model.units), model.units)
    left = 1 - neutral
    units = model.units * left.to(model.units)[:, None, None]
    rest = replace(model, mean=model.mean + form, units=units)
    rest = replace(rest, mean=rest.mean + _sealing(rest, rest.rest(person.shape)))
    calmed = [((one.weights - neutral) / left).clamp(0, 1) for one in moments]
    return rest, [replace(a, weights=b) for a, b in zip(moments, calmed, strict=True)]


def _sealing(model: FaceModel, vertices: Tensor) -> Tensor:
    """[V, 3] what brings the lips of a face at rest together."""
    head = model.head
    drop = -head.unit("jawOpen")[:, 1].double().numpy()
    upper, lower = (head.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    sealed = seal_lips(vertices.double().numpy(), drop, upper, lower)
    return torch.from_numpy(sealed).to(vertices) - vertices
