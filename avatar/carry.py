"""The basis of speech-to-motion weights, carried to the mesh of a face."""

from pathlib import Path

from torch import Tensor

from audio2mesh import SpeechToMotion
from avatar.face import Face


def carry_basis(
    model: SpeechToMotion, face: Face, weights: Path | str, flame: Path | None
) -> Tensor:
    """The model's basis [K, V, 3] on the face's mesh.

    weights: what to call the model in a sentence; flame: FLAME's file. Raises ValueError.
    """
    size = len(face.mesh.vertices)
    if (model.topology, model.vertex_count) == (face.head.topology, size):
        return model.basis
    raise ValueError(
        f"{weights} move topology {model.topology} ({model.vertex_count} vertices), but "
        f"the avatar is {face.head.topology} ({size} vertices); use weights of the avatar's "
            "topology"
    )
