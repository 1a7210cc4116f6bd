"""The shape space leads from the mean of anny-head to the people that its sources hold."""

from pathlib import Path

import numpy as np
import pytest
from head_meshes import whole_head
from scipy.spatial.transform import Rotation

from avatar.geometry.closest import closest, face_tree
from avatar.geometry.similarity import fit_similarity
from avatar.geometry.vectors import MM, Floats
from avatar.heads import load_head
from avatar.heads.shape_space import SHIFTS, load_shape_space, mean_face
from avatar.retarget.template import template_of
from common.errors import InputError
from research.upkeep.carry_identities import (
    KEPT,
    read_gnm,
    read_ict,
    shape_space,
    shift_to,
)

HEAD = load_head()
MEAN = mean_face().double().numpy()
WOMAN = (HEAD.vertices + HEAD.identities["woman"]).double().numpy()
OUTER = np.flatnonzero(template_of(HEAD).outer)
FACE = OUTER[template_of(HEAD).weight[OUTER] > 0.5]
KNOWN = whole_head(HEAD.identities["woman"])
ELSEWHERE = 100 * WOMAN @ Rotation.from_rotvec([0.2, -0.1, 0.3]).as_matrix().T + 7


def gnm_arrays() -> dict[str, np.ndarray]:
    """A file like gnm_head.npz: a woman with the parts of anny-head but its lashes."""
    inside = np.zeros(len(KNOWN.mesh.vertices), bool)
    for region in ("teeth", "tongue", "eyes"):
        inside[KNOWN.within(region)] = True
    return {
        "template_vertex_positions": KNOWN.mesh.vertices.numpy(),
        "triangles": KNOWN.mesh.faces.numpy(),
        "vertex_groups": np.stack([inside, ~inside]).astype(np.float32),
        "vertex_group_names": np.array(["teeth", "skin"]),
    }


def ict_arrays() -> dict[str, np.ndarray]:
    modes = np.random.default_rng(0).normal(0, MM, (KEPT + 1, len(OUTER), 3))
    return {"vertex": OUTER, "modes": modes, "neutral": ELSEWHERE[OUTER]}


def saved(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(path, **arrays)  # pyright: ignore[reportArgumentType] names vary
    return path


def laid(shift: Floats) -> Floats:
    """The vertices [F, 3] of the mean face, shifted and laid onto the woman's."""
    shifted = (MEAN + shift)[FACE]
    return fit_similarity(shifted, WOMAN[FACE]).apply(shifted)


def distance(shift: Floats) -> float:
    """Their mean distance in metres from her vertices."""
    return float(np.linalg.norm(laid(shift) - WOMAN[FACE], axis=1).mean())


def from_skin(shift: Floats) -> float:
    """Their mean distance in metres from her skin where they lie best on it, by closest points: a
    registration slides along the skin."""
    faces, points = template_of(HEAD).skin_faces, laid(shift)
    tree = face_tree(WOMAN, faces)
    for _ in range(20):
        hit = closest(tree, points)
        on_skin = np.einsum("pk,pkx->px", hit.weights, WOMAN[tree.faces[hit.faces]])
        points = fit_similarity(points, on_skin).apply(points)
    return float(closest(tree, points).distances.mean())


def test_a_shift_leads_to_the_people_wherever_they_are():
    assert distance(np.zeros_like(MEAN)) > 0.8 * MM
    assert distance(shift_to(HEAD, OUTER, ELSEWHERE[OUTER])) < 0.02 * MM


def test_the_skin_of_gnm_is_its_mesh_without_the_parts(tmp_path: Path):
    arrays = gnm_arrays()
    mesh = read_gnm(saved(tmp_path / "gnm_head.npz", arrays))
    kept = arrays["vertex_groups"][1] > 0
    np.testing.assert_array_equal(mesh.vertices, arrays["template_vertex_positions"][kept])
    triangles = arrays["triangles"][kept[arrays["triangles"]].all(1)]
    corners = arrays["template_vertex_positions"][triangles]
    np.testing.assert_array_equal(mesh.vertices[mesh.faces], corners)


def test_files_of_another_layout_are_named(tmp_path: Path):
    bare = {**gnm_arrays(), "vertex_group_names": np.array(["hair", "teeth"])}
    with pytest.raises(InputError, match=r"bare.npz: 'vertex_group_names' has no skin"):
        read_gnm(saved(tmp_path / "bare.npz", bare))
    for change, words in (
        ({"vertex": OUTER + 3000}, "'vertex' does not name vertices of anny-head"),
        ({"modes": ict_arrays()["modes"][2:]}, "'modes' holds 49; at least 50 are needed"),
        ({"neutral": np.zeros((3, 3))}, "'neutral' must have a point for each of 'vertex'"),
    ):
        with pytest.raises(InputError, match=words):
            read_ict(HEAD, saved(tmp_path / "face.npz", ict_arrays() | change))


@pytest.mark.soak
def test_files_like_those_of_the_sources_give_a_space(tmp_path: Path):
    ict = saved(tmp_path / "ict.npz", ict_arrays())
    space = shape_space(HEAD, ict, saved(tmp_path / "gnm_head.npz", gnm_arrays()))
    assert space.shape == (SHIFTS + KEPT, len(HEAD.vertices), 3)
    assert from_skin(space[0]) < 0.5 * from_skin(np.zeros_like(MEAN))
    assert distance(space[1]) < 0.02 * MM
    np.testing.assert_allclose(space[SHIFTS:, OUTER], ict_arrays()["modes"][:KEPT], atol=1e-6)


def test_what_ships_leads_to_real_heads():
    space = load_shape_space()
    assert len(space.modes) == SHIFTS + KEPT
    face = space.modes[:SHIFTS, FACE].norm(dim=2).mean(1)
    assert ((face > 3 * MM) & (face < 6 * MM)).all()
    upper, lower = (HEAD.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    apart = (space.modes[:SHIFTS, upper] - space.modes[:SHIFTS, lower]).norm(dim=2)
    assert apart.max() < 0.02 * MM
