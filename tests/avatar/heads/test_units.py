"""Laws of the units that ship, and what a network of expression scores sees of them."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import KDTree
from support import ROOT

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.triangle_mesh import face_normals
from avatar.geometry.vectors import MM, Floats
from avatar.geometry.zbuffer import parallel_axes, project_parallel, rasterize
from avatar.heads import eyeball, fit_units, load_head
from avatar.heads.head import own_head
from avatar.retarget.template import MOUTH, template_of
from avatar.rigging.draw import avatar_rig, rasterizer
from avatar.vision.follow import faces_in_picture, load_face_finder
from avatar.vision.landmarks import NAMES, find_scores
from avatar.vision.network import load_network
from splat import orbit, pick_backend

HEAD = load_head()
OWN = own_head()
TEMPLATE = template_of(HEAD)
CHANGED = [name for name in HEAD.unit_names if not torch.equal(HEAD.unit(name), OWN.unit(name))]
MIXED = [name for name in CHANGED if not name.startswith("eyeBlink")]
PARTING = re.compile("mouth(Funnel|LowerDown|UpperUp)")
SLIDING = re.compile("mouth(RollLower|ShrugLower)")
"""Units in which one lip leaves the other, and nothing is seen between them."""


def test_jaw_and_smile_are_its_own():
    assert len(MIXED) == 36 == len(CHANGED) - 2
    kept = re.compile("eye(Squint|Wide)|jaw|tongueOut|mouth(Close|Smile|RollUpper|ShrugUpper)")
    assert not [name for name in MIXED if kept.match(name)]


def test_sides_mirror_each_other():
    places = np.concatenate([TEMPLATE.vertices, HEAD.unit("jawOpen").double().numpy()], 1)
    mirror = KDTree(places).query(places * [-1, 1, 1, -1, 1, 1])[1]
    swap = {"Left": "Right", "Right": "Left"}
    for name in MIXED:
        other = re.sub("Left|Right", lambda found: swap[found[0]], name)
        image = HEAD.unit(other)[mirror] * torch.tensor([-1.0, 1, 1])
        assert float((HEAD.unit(name) - image).norm(dim=1).max()) < 0.06 * MM, name


def seen_inside_mm(vertices: Floats, azimuth: float) -> float:
    """The greatest height in mm over which teeth, tongue or the lining of the mouth are seen."""
    faces, groups = HEAD.faces.numpy(), HEAD.face_groups.numpy()
    skin = np.isin(groups, [HEAD.group_names.index(f"{side}-eye") for side in "lr"])
    lashes = np.array(["lashes" in name for name in HEAD.group_names])[groups]
    inner = np.isin(np.arange(len(vertices)), HEAD.regions["inner_mouth"].numpy())
    inner &= ~TEMPLATE.outer & (TEMPLATE.vertices[:, 2] < MOUTH[2] + 4 * MM)
    inside = np.where(groups == 0, inner[faces].all(1), ~skin)[~lashes]
    direction = np.array([[np.sin(azimuth), 0.0, np.cos(azimuth)]])
    size, half = 600, 0.04
    seen = project_parallel(parallel_axes(direction)[0], vertices - MOUTH, half, size)
    found = rasterize(seen, faces[~lashes], size, size, -np.inf).faces
    dark = (found >= 0) & inside[found]
    run, longest = np.zeros(size, int), 0
    for row in dark:
        run = np.where(row, run + 1, 0)
        longest = max(longest, int(run.max()))
    return longest * 2 * half / size / MM


@pytest.mark.parametrize("name", MIXED)
def test_lips_stay_sealed_or_part(name: str):
    unit = HEAD.unit(name).double().numpy()
    apart = np.linalg.norm(unit[TEMPLATE.lips_upper] - unit[TEMPLATE.lips_lower], axis=1).max()
    seen = max(seen_inside_mm(TEMPLATE.vertices + unit, yaw) for yaw in (-0.5, 0.0, 0.5))
    if PARTING.match(name):
        assert apart > 4 * MM and seen > 3
    else:
        assert seen < 0.5
        assert (apart < 0.01 * MM) == (not SLIDING.match(name))


def test_no_unit_brings_the_lids_into_the_eyes():
    for group in ("l-eye", "r-eye"):
        centre, radius = (part.double().numpy() for part in eyeball(HEAD, HEAD.vertices, group))
        rest = np.linalg.norm(TEMPLATE.vertices - centre, axis=1)
        for name in MIXED:
            moved = TEMPLATE.vertices + HEAD.unit(name).double().numpy()
            distance = np.linalg.norm(moved - centre, axis=1)[TEMPLATE.body]
            assert (distance > np.minimum(rest[TEMPLATE.body], radius) - 0.05 * MM).all(), name


def test_teeth_and_tongue_stay_and_eyeballs_only_follow_the_gaze():
    inside = torch.cat([HEAD.regions[part] for part in ("teeth", "tongue")])
    assert not [name for name in MIXED if HEAD.unit(name)[inside].any()]
    turning = [name for name in MIXED if HEAD.unit(name)[HEAD.regions["eyes"]].any()]
    assert len(turning) == 8 and all(name.startswith("eyeLook") for name in turning)


def turned_over(unit: Floats) -> int:
    faces = TEMPLATE.skin_faces[TEMPLATE.outer[TEMPLATE.skin_faces].all(1)]
    before = face_normals(TEMPLATE.vertices, faces)
    return int(((face_normals(TEMPLATE.vertices + unit, faces) * before).sum(1) < 0).sum())


def test_fewer_triangles_are_turned_over_than_in_its_own_units():
    mixed, own = (
        [turned_over(head.unit(name).double().numpy()) for name in MIXED] for head in (HEAD, OWN)
    )
    assert max(mixed) <= 2
    assert sum(mixed) < sum(own) / 1.5


RISES = {
    "mouthLeft": 0.4,
    "mouthRight": 0.5,
    "mouthPucker": 0.3,
    "mouthFunnel": 0.4,
    "browInnerUp": 0.15,
    "mouthStretch": 0.4,
    "mouthUpperUp": 0.3,
    "mouthFrown": 0.15,
    "eyeLookDown": 0.3,
    "eyeLookUp": 0.08,
}
"""By how much the score of a unit's name grows at least from rest to weight 1, both sides together;
those of the head's own units grow less. At rest the demo avatar's inner brows are up a little, and
it smiles a little."""


def test_the_network_sees_what_a_unit_is_called():
    avatar = load_avatar(ROOT / "assets" / "demo_avatar.ply")
    head = replace(HEAD, units=fit_units(HEAD, avatar.vertices))
    device, backend, _ = pick_backend("cpu")
    rig, draw = avatar_rig(avatar, device), rasterizer(backend, torch.full((3,), 0.88))
    camera = orbit(torch.tensor([0.0, -0.005, 0.02]), 1.2, 0.0, 0.0, 10.0, width=384, height=384)
    finder, scorer = load_face_finder(), load_network("face_scores", "cpu")

    def scores(*names: str) -> dict[str, float]:
        offsets = head.express(dict.fromkeys(names, 1.0))
        picture = draw(rig(avatar.vertices + offsets), camera)
        found = find_scores(scorer, faces_in_picture(finder, picture).points[:1])
        return dict(zip(NAMES, found[0].tolist(), strict=True))

    rest = scores()
    for name, rise in RISES.items():
        names = [n for n in (name, f"{name}Left", f"{name}Right") if n in HEAD.unit_names]
        seen = scores(*names)
        assert np.mean([seen[n] - rest[n] for n in names]) > rise, name
    for name in ("mouthPress", "mouthDimple"):
        seen = scores(f"{name}Left", f"{name}Right")
        assert all(seen[n] - rest[n] < 0.2 for n in ("mouthSmileLeft", "mouthSmileRight")), name
