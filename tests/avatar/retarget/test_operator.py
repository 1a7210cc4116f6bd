"""Laws of the transfer, given where the template lies on a mesh."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from head_meshes import HEAD, decimated, moved, transfer_to, whole_head

from avatar.geometry.triangle_mesh import Mesh
from avatar.retarget import operator
from avatar.retarget.backward import transfer_from
from avatar.retarget.operator import Transfer, head_on

OFFSETS = torch.stack(
    [
        HEAD.express({"jawOpen": 0.6, "mouthFunnel": 0.3}),
        HEAD.express({"mouthPucker": 0.8}),
        HEAD.express({"eyeBlinkLeft": 1.0, "browInnerUp": 0.5, "eyeLookInRight": 1.0}),
    ]
)
SAME = Mesh(HEAD.vertices, HEAD.faces)


def share(got: torch.Tensor, true: torch.Tensor) -> float:
    return float((got - true).norm() / true.norm())


def test_on_anny_head_itself_nothing_changes():
    assert share(transfer_to(HEAD, SAME, HEAD.vertices).offsets(OFFSETS), OFFSETS) < 0.01
    back = transfer_from(HEAD, SAME, HEAD.vertices).offsets(OFFSETS)
    lashes = [name for name in HEAD.group_names if "lashes" in name]
    rest = HEAD.group_vertices(*(set(HEAD.group_names) - set(lashes)))
    assert share(back[:, rest], OFFSETS[:, rest]) < 0.01
    assert share(back, OFFSETS) < 0.05  # lashes go with the skin that they stand on


def test_it_is_linear():
    coarse = decimated(whole_head(), 0.3).mesh
    for transfer, source in (
        (transfer_to(HEAD, coarse, HEAD.vertices), OFFSETS),
        (transfer_from(HEAD, coarse, HEAD.vertices), torch.randn(3, len(coarse.vertices), 3)),
    ):
        a, b = transfer.offsets(source[0]), transfer.offsets(source[1])
        torch.testing.assert_close(
            transfer.offsets(2 * source[0] - 3 * source[1]), 2 * a - 3 * b, rtol=1e-4, atol=1e-6
        )
        torch.testing.assert_close(transfer.offsets(source)[1], b)


@pytest.mark.parametrize("bytes_at_once", [1, 24 * 7 * 3, operator.BATCH_BYTES])
def test_many_offsets_at_once_are_those_of_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, bytes_at_once: int
):
    monkeypatch.setattr(operator, "BATCH_BYTES", bytes_at_once)
    weights = sp.random_array((7, 5), density=0.5, format="csr", rng=np.random.default_rng(0))
    before, after = torch.randn(5, 3, 3), torch.randn(7, 3, 3)
    transfer = Transfer(sp.csr_array(weights), before.numpy(), after.numpy())
    offsets = torch.randn(2, 4, 5, 3)
    dense = torch.from_numpy(weights.toarray()).float()
    got = transfer.offsets(offsets).flatten(0, 1)  # [8, 7, 3]
    for one, source in zip(got, offsets.flatten(0, 1), strict=True):
        turned = torch.stack([frame @ offset for frame, offset in zip(before, source, strict=True)])
        mixed = dense @ turned
        true = torch.stack([frame @ offset for frame, offset in zip(after, mixed, strict=True)])
        torch.testing.assert_close(one, true, rtol=1e-4, atol=1e-5)
    assert transfer.offsets(offsets[:, :0]).shape == (2, 0, 7, 3)


def test_offsets_turn_and_scale_with_the_mesh():
    known = decimated(whole_head(), 0.3)
    turned = moved(known, 250.0, 77.0, (3.0, -20.0, 100.0))
    turn = torch.from_numpy(turned.turn).float()
    there = HEAD.vertices @ turn.T + torch.tensor([3.0, -20.0, 100.0])
    plain = transfer_to(HEAD, known.mesh, HEAD.vertices)
    other = transfer_to(HEAD, turned.mesh, there)
    assert share(other.offsets(OFFSETS), plain.offsets(OFFSETS) @ turn.T) < 1e-3
    back = transfer_from(HEAD, turned.mesh, there).offsets(plain.offsets(OFFSETS) @ turn.T)
    same = transfer_from(HEAD, known.mesh, HEAD.vertices).offsets(plain.offsets(OFFSETS))
    assert share(back, same) < 1e-3


def test_there_and_back():
    fine = whole_head().mesh
    there = transfer_to(HEAD, fine, HEAD.vertices).offsets(OFFSETS)
    back = transfer_from(HEAD, fine, HEAD.vertices).offsets(there)
    skin = HEAD.group_vertices("body")
    assert share(back[:, skin], OFFSETS[:, skin]) < 0.02


def test_values_are_interpolated():
    known = decimated(whole_head(), 0.3)
    values = transfer_to(HEAD, known.mesh, HEAD.vertices).values(HEAD.vertices)
    away = (values - known.mesh.vertices).norm(dim=1)
    assert away.median() < 0.001


def test_head_on_anny_head_is_anny_head():
    head, _ = head_on(HEAD, SAME, HEAD.vertices, "mesh")
    assert head.topology == "mesh" and torch.equal(head.faces, HEAD.faces)
    assert share(head.units, HEAD.units) < 0.01
    torch.testing.assert_close(head.pivot, HEAD.pivot, atol=1e-5, rtol=0)
    torch.testing.assert_close(head.pose_weights, HEAD.pose_weights, atol=1e-3, rtol=0)
    for name, index in HEAD.regions.items():
        if name.startswith("lip_inner"):
            apart = (head.vertices[head.regions[name]] - HEAD.vertices[index]).norm(dim=1)
            assert apart.max() < 0.001, name
        else:
            assert np.array_equal(np.sort(head.regions[name]), np.sort(index)), name


def test_the_lip_pairs_of_another_head_meet():
    known = decimated(whole_head(), 0.5)
    head, _ = head_on(HEAD, known.mesh, HEAD.vertices, "mesh")
    upper, lower = (head.regions[f"lip_inner_{side}"] for side in ("upper", "lower"))
    assert len(upper) == len(lower) == len(HEAD.regions["lip_inner_upper"])
    gap = (known.mesh.vertices[upper] - known.mesh.vertices[lower]).norm(dim=1)
    assert gap.max() < 0.004
    opened = known.mesh.vertices + head.unit("jawOpen")
    assert (opened[upper] - opened[lower]).norm(dim=1)[3:-3].min() > 0.008
