import torch
from captures import ring, tetrahedron

from avatar.heads import load_head
from avatar.reconstruct.emphasis import emphasised_pixels
from avatar.reconstruct.refine import no_colour_change, recolour, row_adam, smooth_modes


def test_adam_on_a_row_is_torchs_and_leaves_other_rows():
    ours = row_adam(torch.ones(3, 4))
    theirs = torch.ones(4, requires_grad=True)
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99), eps=1e-15)
    for seed in range(5):
        gradient = torch.randn(4, generator=torch.Generator().manual_seed(seed))
        ours.step(1, gradient, 0.1)
        theirs.grad = gradient
        adam.step()
    assert torch.allclose(ours.values[1], theirs.detach(), atol=1e-6)
    assert (ours.values[[0, 2]] == 1).all()


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


def test_a_camera_without_correction_changes_nothing():
    picture = torch.rand(4, 5, 3)
    assert torch.equal(recolour(picture, no_colour_change(["a"])[0]), picture)


def test_weights_are_high_at_the_region_and_one_elsewhere():
    mesh, camera = tetrahedron(), ring(1, (64, 64))[0]
    everything = torch.arange(4)
    weights = emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 2.0)
    assert weights.shape == (64, 64)
    assert weights.min() == 1 and 2 < float(weights.max()) <= 3
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything, 0.0) == 1).all()
    assert (emphasised_pixels(camera, mesh.vertices, mesh.faces, everything[:0], 2.0) == 1).all()
