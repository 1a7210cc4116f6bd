"""The basis of speech-to-motion weights, carried to the mesh of a face."""

import sys
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion
from avatar.face import Face
from avatar.flame.indices import VERTICES as FLAME_VERTICES
from avatar.flame.teeth import LOWER_TEETH
from avatar.heads import Head, load_head
from avatar.heads.head import SHIPPED
from avatar.subject import FLAME, FLAME_TEETH
from avatar.transfer import transfer_to


def carry_basis(
    model: SpeechToMotion, face: Face, weights: Path | str, flame: Path | None
) -> Tensor:
    """The model's basis [K, V, 3] on the face's mesh; one line on stderr where it is another's.

    weights: what to call the model in a sentence; flame: FLAME's file. Raises ValueError.
    """
    topology, basis = model.topology, model.basis.cpu()
    size = len(face.mesh.vertices)
    if (topology, model.vertex_count) == (face.head.topology, size):
        return basis
    if (topology, face.head.topology) == (FLAME, FLAME_TEETH):
        carried = with_teeth(basis, face.head)
    elif topology in SHIPPED and face.fitted is not None:
        carried = transfer_to(load_head(topology), face.mesh, face.fitted).offsets(basis)
    else:
        raise ValueError(
            f"{weights} move topology {topology} ({model.vertex_count} vertices), which cannot be "
            f"carried to the avatar's, {face.name}; use weights of another topology"
        )
    within = "" if face.residual_mm is None else f", fitted within {face.residual_mm:.2f} mm"
    print(f"motion: carried over from {topology} to {face.name}{within}", file=sys.stderr)
    return carried


def with_teeth(basis: Tensor, head: Head) -> Tensor:
    """Offsets [K, 5023, 3] of FLAME with those of GaussianAvatars' teeth, [K, 5143, 3].

    The upper teeth stay with the head. The lower ones move with the jaw: as the small rigid motion
    that comes nearest to the offsets of the skin that the jaw takes along.
    """
    teeth = basis.new_zeros(len(basis), len(head.vertices) - FLAME_VERTICES, 3)
    carries = _on_the_jaw(head)
    places = head.vertices[carries.nonzero().squeeze(1)]
    rows = _small_motions(places).flatten(0, 1)  # [3 n, 6]
    strength = carries[carries > 0].repeat_interleave(3)[:, None]
    offsets = basis[:, carries.nonzero().squeeze(1)].flatten(1).T  # [3 n, K]
    motions = torch.linalg.lstsq((rows * strength).double(), (offsets * strength).double()).solution
    lower = torch.tensor(LOWER_TEETH)
    moved = _small_motions(head.vertices[lower]).double() @ motions  # [60, 3, K]
    teeth[:, lower - FLAME_VERTICES] = moved.permute(2, 0, 1).to(basis)
    return torch.cat([basis, teeth], dim=1)


def _on_the_jaw(head: Head) -> Tensor:
    """[V] how surely a vertex lies on the jaw: in so far as an opening jaw takes it along as it
    does the lower teeth; 0 for lips and teeth themselves."""
    opened = head.unit("jawOpen")
    rows = _small_motions(head.vertices)
    lower = torch.tensor(LOWER_TEETH)
    rigid = torch.linalg.lstsq(rows[lower].flatten(0, 1), opened[lower].flatten()[:, None]).solution
    expected = (rows @ rigid)[..., 0]  # [V, 3] of something fixed to the teeth
    apart = (opened - expected).norm(dim=1) / expected.norm(dim=1).clamp(min=1e-6)
    sure = (1 - apart / 0.3).clamp(min=0)
    sure[torch.cat([head.regions["lips"], head.regions["teeth"]])] = 0
    return sure


def _small_motions(points: Tensor) -> Tensor:
    """Offsets [n, 3, 6] of points [n, 3] by unit shifts along, and unit turns about, x, y and z."""
    x, y, z = points.unbind(1)
    o, i = torch.zeros_like(x), torch.ones_like(x)
    rows = ((i, o, o, o, z, -y), (o, i, o, -z, o, x), (o, o, i, y, -x, o))
    return torch.stack([torch.stack(row, 1) for row in rows], 1)
