import torch
from captures import ring, tetrahedron

from avatar.geometry.edges import smooth_modes
from avatar.heads import load_head
from avatar.reconstruct.losses import emphasised_pixels


def test_modes_are_smooth_and_of_unit_size():
    head = load_head()
    modes = smooth_modes(head.faces, 40, len(head.vertices))
    assert torch.allclose(modes.square().mean(0), torch.ones(40), atol=1e-3)
    a, b = head.faces[:, 0], head.faces[:, 1]
    assert (modes[a] - modes[b]).square().mean() < 0.02


def test_modes_span_shifts_of_the_whole_mesh():
    head = load_head()
    modes = smooth_modes(head.faces, 40, len(head.vertices)).double()
    ones = torch.ones(len(modes), 1, dtype=torch.float64)
    fit = modes @ torch.linalg.lstsq(modes, ones).solution
    assert torch.allclose(fit, ones, atol=1e-3)


def test_weights_are_high_at_the_region_and_one_elsewhere():
    mesh, camera = tetrahedron(), ring(1, (64, 64))[0]
    everything = torch.arange(4)
    weights = emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 2.0)
    assert weights.shape == (64, 64)
    assert weights.min() == 1 and 2 < float(weights.max()) <= 3
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 0.0) == 1).all()
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything[:0], 2.0) == 1).all()
