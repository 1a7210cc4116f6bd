import numpy as np
import pytest
import torch

from avatar.heads import eyeball, fit_units, load_head
from avatar.heads.head import REGIONS, seal_lips

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
    changed = (units != HEAD.units).flatten(1).any(1)
    assert {HEAD.unit_names[i] for i in changed.nonzero().squeeze(1)} <= {
        "eyeBlinkLeft",
        "eyeBlinkRight",
    }


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
