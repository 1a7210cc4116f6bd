import numpy as np
import pytest
import torch

from avatar.behaviour.gaze import gaze_degrees
from avatar.heads import eyeball, fit_units, load_head
from avatar.heads.arkit import EYE_DEGREES
from avatar.heads.head import LOWER_LID, REGIONS, UPPER_LID, seal_lips

HEAD = load_head()
REST = {"neutral": torch.zeros(3)} | dict(HEAD.identities)


def lip_gap(vertices: torch.Tensor) -> torch.Tensor:
    upper, lower = HEAD.regions["lip_inner_upper"], HEAD.regions["lip_inner_lower"]
    return (vertices[upper] - vertices[lower]).norm(dim=1)


def test_it_has_arkits_units_and_the_named_regions():
    assert len(HEAD.unit_names) == len(set(HEAD.unit_names)) == 52
    assert {"jawOpen", "mouthClose", "tongueOut", "eyeBlinkLeft"} <= set(HEAD.unit_names)
    for name in REGIONS:
        index = HEAD.regions[name]
        assert len(index.unique()) == len(index) > 5, name
        assert index.max() < len(HEAD.vertices)


def test_it_is_a_head_in_metres_facing_z_with_its_left_at_x():
    height = HEAD.vertices[:, 1].max() - HEAD.vertices[:, 1].min()
    assert 0.2 < height < 0.3
    assert HEAD.vertices[HEAD.regions["lips"], 2].mean() > 0.08
    smile = HEAD.unit("mouthSmileLeft").norm(dim=1)
    assert HEAD.vertices[smile > 0.5 * smile.max(), 0].min() > 0
    assert HEAD.vertices[HEAD.group_vertices("l-eye"), 0].min() > 0


@pytest.mark.parametrize("name", REST)
def test_lips_are_sealed_at_rest(name: str):
    assert lip_gap(HEAD.vertices + REST[name]).max() < 1e-4


def test_lip_pairs_run_from_right_to_left_and_open_with_the_jaw():
    assert (HEAD.vertices[HEAD.regions["lip_inner_upper"], 0].diff() > 0).all()
    gap = lip_gap(HEAD.vertices + HEAD.express({"jawOpen": 0.5}))
    assert gap.max() > 0.01
    assert gap.argmax() == len(gap) // 2


def test_mouth_close_undoes_the_jaw():
    for weight in (0.2, 0.6, 1.0):
        moved = HEAD.vertices + HEAD.express({"jawOpen": weight, "mouthClose": weight})
        assert lip_gap(moved).max() < 5e-4


@pytest.mark.parametrize("name", REST)
def test_closed_lids_clear_the_eyeballs(name: str):
    vertices = HEAD.vertices + REST[name]
    units = fit_units(HEAD, vertices)
    body = HEAD.group_vertices("body")
    for side, group in (("Left", "l-eye"), ("Right", "r-eye")):
        blink = units[HEAD.unit_names.index(f"eyeBlink{side}")]
        centre, radius = eyeball(HEAD, vertices, group)
        lids = body[blink[body].norm(dim=1) > 5e-4]
        distance = (vertices + blink - centre)[lids].norm(dim=1)
        assert distance.min() > radius + 1.1e-3


def test_fitting_leaves_the_other_units_alone():
    units = fit_units(HEAD, HEAD.vertices + HEAD.identities["woman"])
    changed = (units != HEAD.units).any(2)
    eyes = HEAD.group_vertices("l-eye", "r-eye")
    for name, rows in zip(HEAD.unit_names, changed, strict=True):
        if name.startswith("eyeLook"):
            rows[eyes] = False
        assert name.startswith(("eyeBlink", "eyeLookDown")) or not rows.any(), name


@pytest.mark.parametrize("narrowed", [0.6, 1.0, 1.3])
def test_lids_of_any_eyes_meet_in_a_blink(narrowed: float):
    """Whatever the height of the opening, the edge of the upper lid comes to that of the lower."""
    vertices = HEAD.vertices.clone()
    body = HEAD.group_vertices("body")
    for group in ("l-eye", "r-eye"):
        centre, _ = eyeball(HEAD, HEAD.vertices, group)
        away = vertices[body] - centre
        near = torch.exp(-0.5 * (away.norm(dim=1) / 0.02) ** 4)
        vertices[body, 1] += near * (narrowed - 1) * away[:, 1]
    units = fit_units(HEAD, vertices)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        upper, lower = (
            torch.cdist(HEAD.vertices[list(rows)] * torch.tensor([sign, 1, 1]), HEAD.vertices)
            for rows in (UPPER_LID, LOWER_LID)
        )
        shut = vertices + units[HEAD.unit_names.index(f"eyeBlink{side}")]
        edge, sill = (
            shut[found.argmin(1)] * torch.tensor([sign, 1, 1]) for found in (upper, lower)
        )
        below = np.interp(edge[:, 0], sill[:, 0], sill[:, 1]) - edge[:, 1].numpy()
        assert (below[2:-2] > -0.0001).all() and (below < 0.0018).all()


@pytest.mark.parametrize("name", [*REST])
def test_gaze_units_turn_each_eyeball_about_its_centre_as_far_as_ARKit_says(name: str):
    vertices = HEAD.vertices + REST[name]
    units = fit_units(HEAD, vertices)
    for side, group in (("Left", "l-eye"), ("Right", "r-eye")):
        rows, (centre, _) = HEAD.group_vertices(group), eyeball(HEAD, vertices, group)
        outward = 1 if side == "Left" else -1
        ways = {"Out": (outward, 0), "In": (-outward, 0), "Up": (0, 1), "Down": (0, -1)}
        for way, (yaw, pitch) in ways.items():
            unit = units[HEAD.unit_names.index(f"eyeLook{way}{side}")].double()
            found = gaze_degrees([rows.numpy()], vertices.double().numpy(), unit[None].numpy())
            expected = EYE_DEGREES[way] * np.array([yaw, pitch])
            np.testing.assert_allclose(found[0, 0], expected, atol=0.05)
            moved = (vertices + unit - centre)[rows].norm(dim=1)
            at_rest = (vertices - centre)[rows].double().norm(dim=1)
            torch.testing.assert_close(moved, at_rest, rtol=0, atol=1e-6)


def test_lids_follow_the_gaze_and_stay_outside_of_the_eyeballs():
    body = HEAD.group_vertices("body")
    for side, group in (("Left", "l-eye"), ("Right", "r-eye")):
        centre, radius = eyeball(HEAD, HEAD.vertices, group)
        lid = HEAD.unit(f"eyeBlink{side}").norm(dim=1).argmax()  # the edge of the upper lid
        for way, up in (("Up", 0.002), ("Down", -0.004)):
            unit = HEAD.unit(f"eyeLook{way}{side}")
            assert unit[lid, 1] / up > 1
            at_rest, moved = (
                (HEAD.vertices + offsets - centre)[body].norm(dim=1) for offsets in (0 * unit, unit)
            )
            assert (moved >= torch.minimum(at_rest, radius) - 1e-4).all()


def test_the_pose_moves_the_face_and_spares_the_collar():
    weights = HEAD.pose_weights
    assert weights[HEAD.regions["lips"]].min() == 1
    assert weights[HEAD.regions["scalp"]].min() > 0.99
    assert weights[HEAD.vertices[:, 1].argmin()] == 0


def test_sealing_a_parted_mouth_closes_it_and_spares_the_rest():
    vertices = HEAD.vertices.numpy().copy()
    upper, lower = (HEAD.regions[f"lip_inner_{side}"].numpy() for side in ("upper", "lower"))
    drop = -HEAD.unit("jawOpen").numpy()[:, 1]
    parted = vertices + 0.05 * HEAD.unit("jawOpen").numpy()
    sealed = seal_lips(parted, drop, upper, lower)
    assert np.abs(sealed[upper] - sealed[lower]).max() < 1e-6
    far = (HEAD.vertices[:, 1].abs() < 0.02).numpy()
    assert np.abs(sealed[far] - parted[far]).max() < 1e-7


def test_an_unknown_topology_is_named():
    with pytest.raises(ValueError, match=r"'flam'.*known: anny-head"):
        load_head("flam")
