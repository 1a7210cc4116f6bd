import numpy as np
import pytest
import torch
from flame_files import write_flame
from flame_geometry import means

from avatar.heads import load_head
from avatar.heads.flame_model import (
    LIP_RIM_CORNERS,
    LIP_RIM_LOWER,
    LIP_RIM_UPPER,
    FlameModel,
    load_flame,
)
from avatar.heads.flame_regions import add_teeth, flame_landmarks, flame_regions
from avatar.heads.head import REGIONS


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FlameModel:
    return add_teeth(load_flame(write_flame(tmp_path_factory.mktemp("flame"), kind="npz")))


def _names(head_region: str) -> set[int]:
    """FLAME's vertices that are wholly a mean of anny-head's in a region."""
    inside = np.zeros(len(load_head().vertices))
    inside[load_head().regions[head_region]] = 1
    return set(np.flatnonzero(means() @ inside > 0.99).tolist())


def test_regions_are_those_of_every_head(model: FlameModel):
    regions = flame_regions(model.template, model.faces)
    assert set(regions) == set(REGIONS)
    for name, index in regions.items():
        assert index.dtype == torch.int64 and len(index.unique()) == len(index), name
        assert len(index) > 0 or name == "tongue"
    assert regions["teeth"].tolist() == list(range(5023, 5143))
    assert regions["eyes"].tolist() == list(range(3931, 5023))


@pytest.mark.parametrize("name", ["lips", "eyelids", "scalp", "neck", "upper_face"])
def test_regions_lie_where_anny_heads_lie(model: FlameModel, name: str):
    """The made head is anny-head's, so most of what is in a region of ours is in its."""
    found = flame_regions(model.template, model.faces)[name].tolist()
    own = {v for v in found if v < 3931}
    assert len(own & _names(name)) > 0.6 * len(own)


def test_the_inner_mouth_hides_behind_the_lips(model: FlameModel):
    regions = flame_regions(model.template, model.faces)
    inner = regions["inner_mouth"]
    assert {*LIP_RIM_UPPER, *LIP_RIM_LOWER, *LIP_RIM_CORNERS} <= set(inner.tolist())
    assert not set(inner.tolist()) & set(regions["lips"].tolist())
    line = model.template[regions["lip_inner_upper"]]
    nearest = (model.template[inner, None, 0] - line[None, :, 0]).abs().argmin(1)
    assert (model.template[inner, 2] < line[nearest, 2] + 1e-4).all()


def test_the_lips_touch_along_their_line(model: FlameModel):
    regions = flame_regions(model.template, model.faces)
    upper, lower = (model.template[regions[f"lip_inner_{s}"]] for s in ("upper", "lower"))
    assert (upper - lower).norm(dim=1).max() < 0.002
    assert (upper[1:, 0] > upper[:-1, 0]).all()
    assert upper[0, 0] == pytest.approx(-float(upper[-1, 0]), abs=1e-4)


def test_the_rim_within_the_lips_is_an_end_of_the_mesh(model: FlameModel):
    edges: dict[tuple[int, int], int] = {}
    for a, b, c in model.faces[:9976].tolist():
        for u, v in ((a, b), (b, c), (c, a)):
            edges[min(u, v), max(u, v)] = edges.get((min(u, v), max(u, v)), 0) + 1
    ends = {v for edge, count in edges.items() if count == 1 for v in edge}
    rim = {*LIP_RIM_UPPER, *LIP_RIM_LOWER, *LIP_RIM_CORNERS}
    assert len(ends) == 30 + 32 and rim < ends


def test_landmarks_lie_on_the_face(model: FlameModel):
    points = flame_landmarks(model.template)
    for name, point in points.items():
        assert (model.template[:3931] - point).norm(dim=1).min() == 0
        side = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
        assert point[0].sign() == side or (side == 0 and abs(point[0]) < 1e-4), name
    assert points["nose_tip"][2] == max(point[2] for point in points.values())
    assert points["chin"][1] == min(point[1] for point in points.values())
    assert torch.allclose(points["right_ear"] * torch.tensor([-1, 1, 1]), points["left_ear"])
    teethless = flame_landmarks(model.template[:5023])
    assert all(torch.equal(points[name], teethless[name]) for name in points)
