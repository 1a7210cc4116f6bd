"""Find where the face of a scan is: the similarity that brings it into head space."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from avatar.heads import load_head
from avatar.mesh import Mesh
from avatar.mesh.similarity import Similarity, fit_similarity
from avatar.mesh.vectors import Floats, Ints
from avatar.mesh.visibility import seen_faces
from avatar.transfer.head_search import candidates
from avatar.transfer.icp import Scan, mean_distance, refine, sample_scan, template_points
from avatar.transfer.landmarks import check_landmarks, how_to_write, landmark_points
from avatar.transfer.likeness import likeness
from avatar.transfer.settle import settled
from avatar.transfer.template import Template, template_of
from common.errors import InputError

SCAN_POINTS, HEAD_POINTS = 6000, 1500
REACHES = (0.015, 0.012, 0.01, 0.008) * 3  # metres, of each step
FARTHEST = 0.011  # metres: a mean distance of the face above this is not a face
UPRIGHT, ALONG = np.cos(np.radians([20, 10]))  # of a head, and for a direction to have a name
LIKE_A_FACE = 0.3  # likeness below which nothing can be one, whatever is bent


def align(mesh: Mesh, landmarks: Mapping[str, Tensor] | None = None) -> Similarity:
    """The similarity that takes a mesh's own space into head space (metres, +y up, +z out).

    The mesh's unit, place and turn may be anything, and neck, shoulders, hair or the back of the
    head may be there or missing: of all poses, it is the one in which its surface is most like a
    face. landmarks: points [3] by name, in the mesh's own space, that tell instead. Raises
    InputError where there is no face.
    """
    template = template_of(load_head())
    vertices, faces = mesh.vertices.double().numpy(), mesh.faces.numpy()
    outside = faces[seen_faces(vertices, faces, lowest=-1.0)]
    if len(outside) == 0:
        raise InputError("the mesh has no triangles that can be seen from outside")
    scan = sample_scan(vertices, outside, SCAN_POINTS)
    if landmarks:
        return _by_landmarks(template, scan, landmarks)
    return _by_face(template, scan, vertices, faces, outside)


def turned(to_head: Similarity) -> str | None:
    """What to say of a mesh that did not stand upright (+y up); None where it did, within 20
    degrees."""
    up = to_head.rotation[1]
    if up[1] > UPRIGHT:
        return None
    axis = int(np.abs(up).argmax())
    name = f"{'+' if up[axis] > 0 else '-'}{'xyz'[axis]}"
    if abs(up[axis]) < ALONG:
        name = "({:.1f}, {:.1f}, {:.1f})".format(*up.round(1) + 0.0)  # no minus before a zero
    return f"the head was turned: its up is {name}"


def unlike_a_face(share: float, needed: float) -> InputError:
    """What to say of a mesh on which no face was found for certain."""
    return InputError(
        f"no face was found in the mesh for certain: what comes nearest is like one by {share:.0%},"
        f" where {needed:.0%} are asked for; if it is a head, {how_to_write()}"
    )


def _by_landmarks(template: Template, scan: Scan, landmarks: Mapping[str, Tensor]) -> Similarity:
    check_landmarks(landmarks)
    _, on_template, on_mesh = landmark_points(landmarks, template.vertices)
    to_head = _refined(template, scan, fit_similarity(on_mesh, on_template))
    distance = mean_distance(scan, scan.nearest, to_head, template_points(template, HEAD_POINTS))
    if distance > FARTHEST:
        raise InputError(
            f"no face was found in the mesh: at best anny-head's face lies "
            f"{1000 * distance:.1f} mm from it; {how_to_write()}"
        )
    return to_head


def _by_face(
    template: Template, scan: Scan, vertices: Floats, faces: Ints, outside: Ints
) -> Similarity:
    """The candidate whose surface is most like a face."""
    poses = [_refined(template, scan, start) for start in candidates(template, scan)]
    shares = [
        likeness(template, pose.apply(vertices), outside, template.vertices) for pose in poses
    ]
    best = int(np.argmax(shares))
    if shares[best] < LIKE_A_FACE:
        raise unlike_a_face(max(shares[best], 0.0), LIKE_A_FACE)
    return settled(vertices, faces, poses[best], template_points(template, HEAD_POINTS))


def _refined(template: Template, scan: Scan, start: Similarity) -> Similarity:
    return refine(scan, scan.nearest, start, template_points(template, HEAD_POINTS), REACHES)
