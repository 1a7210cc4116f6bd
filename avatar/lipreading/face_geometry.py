"""A head as speech-to-motion training sees it: plain tensors, without triangles."""

from torch import Tensor

from audio2mesh.data.face_geometry import FaceGeometry, FaceUnits
from avatar.heads.head import Head

_TIP = 0.95  # of the way of the farthest vertex


def face_units(head: Head) -> FaceUnits:
    """The head's expression units."""
    return FaceUnits(head.unit_names, head.units)


def face_geometry(head: Head) -> FaceGeometry:
    """The rest face with the vertices that losses and scores look at."""
    return FaceGeometry(
        rest=head.vertices,
        lips=head.regions["lips"],
        inner_upper=head.regions["lip_inner_upper"],
        inner_lower=head.regions["lip_inner_lower"],
        upper_face=head.regions["upper_face"],
        upper_teeth=head.group_vertices("upper-teeth"),
        tongue=_tip(head.unit("tongueOut")[:, 2]),
    )


def _tip(forward: Tensor) -> Tensor:
    """Indices of the vertices that a tongue which comes out brings forward [V] the farthest."""
    return (forward > _TIP * forward.max()).nonzero().squeeze(1)
