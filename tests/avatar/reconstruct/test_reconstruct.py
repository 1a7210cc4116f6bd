from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from broken_off import stop_inside_step
from captures import CaptureSpec, ring, write_capture

from avatar.avatar_io.avatar_file import load_avatar
from avatar.geometry.triangle_mesh import Mesh
from avatar.geometry.zbuffer import NOTHING, project_samples, rasterize
from avatar.heads import load_head
from avatar.reconstruct import densify, trainer
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.capture_reader import open_capture
from avatar.reconstruct.fit import Start, film_start, known_face, reconstruct, start_trainer
from avatar.reconstruct.head_seeds import first_gaussians
from avatar.reconstruct.options import AvatarTrainOptions, ReconstructOptions
from avatar.reconstruct.previews import read_all
from avatar.reconstruct.trainer import AvatarTrainer
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import to_world, triangle_frames
from splat import Camera, activate, render

SIZE = 48


@pytest.fixture(scope="session")
def head_capture(small_avatar: Avatar, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of the small avatar, painted with stripes, in four places."""
    rest = small_avatar.vertices
    centres = rest[small_avatar.faces[small_avatar.binding]].mean(1)
    painted = replace(small_avatar.gaussians, sh=torch.sin(150 * centres)[:, None])

    def paint(vertices: torch.Tensor, camera: Camera) -> np.ndarray:
        frames = triangle_frames(vertices, small_avatar.faces)
        world = to_world(activate(painted), small_avatar.binding, frames)
        drawn = render(world, camera, background=torch.ones(3), with_depth=False)
        both = torch.cat([drawn.color, drawn.alpha[..., None]], -1).clamp(0, 1)
        return (255 * both).round().to(torch.uint8).numpy()

    nod = torch.linspace(0, 0.01, 4)[:, None, None]
    cameras = ring(4, (SIZE, SIZE))
    spec = CaptureSpec(
        Mesh(rest, small_avatar.faces), rest + nod, cameras, small_avatar.topology, held_out=3
    )
    return write_capture(tmp_path_factory.mktemp("reconstruct") / "capture", spec, paint)


def options(capture: Path, out: Path, **train: object) -> ReconstructOptions:
    settings = {"steps": 30, "coarse": 0.3, "sh_every": 10, **train}
    return ReconstructOptions(
        capture,
        out,
        device="cpu",
        max_gaussians=9900,
        train=AvatarTrainOptions(save_every=10, **settings),
    )


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaussians multiply from the sixth step on, whatever their gradients."""
    monkeypatch.setattr(trainer, "EVERY", 6)
    for module in (trainer, densify):
        monkeypatch.setattr(module, "FIRST", 0.0)
        monkeypatch.setattr(module, "LAST", 1.0)
    monkeypatch.setattr(densify, "THRESHOLD", 0.0)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Several add up the gradients of the mesh in an order of their own, bits then differ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread", "soon")
def test_an_interrupted_run_ends_as_if_it_had_not_been(
    head_capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, parts = tmp_path / "whole.ply", tmp_path / "parts.ply"
    reconstruct(options(head_capture, whole))
    for steps in (14, 8):
        with monkeypatch.context() as patch:
            stop_inside_step(patch, steps)
            with pytest.raises(KeyboardInterrupt):
                reconstruct(options(head_capture, parts))
        assert not parts.exists() and parts.with_name("parts.ply.state").exists()
    reconstruct(options(head_capture, parts))
    assert parts.read_bytes() == whole.read_bytes()
    assert not parts.with_name("parts.ply.state").exists()


@pytest.mark.usefixtures("soon")
def test_the_avatar_gets_like_the_pictures(
    head_capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "subject.ply"
    reconstruct(options(head_capture, out, steps=60, coarse=0.0))
    avatar = load_avatar(out)
    assert len(avatar.faces) <= len(avatar.binding) <= 9900
    assert len(avatar.binding.unique()) == len(avatar.faces)
    printed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("step ")]
    psnr = [float(line.split("held-out ")[1].split()[0]) for line in printed]
    assert len(psnr) == 6
    assert psnr[-1] > psnr[0] + 0.4, psnr
    previews = sorted(path.name for path in (tmp_path / "subject_previews").iterdir())
    assert previews[0] == "step_000010.png" and len(previews) == 6


@pytest.mark.usefixtures("soon")
def test_a_budget_of_one_gaussian_per_triangle_is_enough(head_capture: Path, tmp_path: Path):
    chosen = options(head_capture, tmp_path / "subject.ply", steps=12)
    least = len(open_capture(head_capture).faces)
    avatar = reconstruct(replace(chosen, max_gaussians=least))
    assert avatar.binding.sort().values.equal(torch.arange(least))


def test_a_film_starts_with_its_completion_and_several_cameras_do_not(
    head_capture: Path, tmp_path: Path, small_avatar: Avatar
):
    chosen = options(head_capture, tmp_path / "subject.ply")
    capture, device = open_capture(head_capture), torch.device("cpu")
    first, *others = capture.splits["train"]
    views = (first, *(view for view in others if view.camera_id == first.camera_id))
    film = replace(capture, splits={**capture.splits, "train": views})
    half = replace(
        small_avatar,
        gaussians=type(small_avatar.gaussians)(
            **{name: part[::2] for name, part in vars(small_avatar.gaussians).items()}
        ),
        binding=small_avatar.binding[::2],
    )
    face, start = known_face(film), Start(half, film)
    started = [
        start_trainer(
            chosen, taken, face, device, film_start(chosen, taken, face, lambda *of: start)
        )
        for taken in (film, capture)
    ]
    assert torch.equal(started[0].bound.binding, half.binding) and started[0].seeds
    assert len(started[1].bound) >= len(capture.faces) and not started[1].seeds


def ball(rows: int = 24) -> Mesh:
    """A closed ball of 0.1 m."""
    theta = torch.linspace(0, torch.pi, rows)
    phi = torch.linspace(0, 2 * torch.pi, 2 * rows + 1)[:-1]
    t, p = torch.meshgrid(theta, phi, indexing="ij")
    places = torch.stack([t.sin() * p.cos(), t.cos(), -t.sin() * p.sin()], -1)
    index = torch.arange(rows * 2 * rows).view(rows, 2 * rows)
    a, b = index[:-1], index[1:]
    c, d = a.roll(-1, 1), b.roll(-1, 1)
    quads = torch.stack([a, b, d, a, d, c], -1).view(-1, 3)
    return Mesh(0.1 * places.reshape(-1, 3), quads)


def filmed(opacity: float, completed: bool) -> tuple[AvatarTrainer, torch.Tensor, torch.Tensor]:
    """What learned from a film of a grey ball; the Gaussians' first colours, and how far [N] their
    triangles are before its middle."""
    mesh, camera = ball(), ring(1, (96, 96), 0.5)[0]
    view = View(camera, Path("none.png"), None, 0, "0")
    capture = Capture("mesh", mesh.vertices, mesh.faces, mesh.vertices[None], {"train": (view,)})
    corners = project_samples(camera, mesh.vertices.double().numpy())
    shown = rasterize(corners, mesh.faces.numpy(), 96, 96).faces != NOTHING
    mask = np.where(shown, 255, 0).astype(np.uint8)
    bound = first_gaussians(capture, torch.full((len(mesh.faces), 3), 0.5), 0)
    bound.parts["opacity_logits"].fill_(float(torch.logit(torch.tensor(opacity))))
    train = AvatarTrainOptions(steps=100, coarse=0.0)
    nowhere = torch.empty(0, dtype=torch.int64)
    seeds = torch.zeros(len(bound)) if completed else None
    begun, device = bound.parts["sh_dc"].clone(), torch.device("cpu")
    trainer = AvatarTrainer(capture, bound, nowhere, train, len(bound), device, seeds)
    for _ in range(30):
        trainer.learn(view, Picture(np.repeat(mask[..., None], 3, 2) // 2, mask))
    eye = -camera.viewmat[:3, :3].T @ camera.viewmat[:3, 3]
    return trainer, begun, mesh.vertices[mesh.faces].mean(1) @ (eye / eye.norm())


def test_what_no_picture_shows_does_not_fade():
    trainer, _, before = filmed(0.97, completed=False)
    opacities = torch.sigmoid(trainer.bound.parts["opacity_logits"].detach())
    assert float(opacities[before < -0.07].mean()) > 0.95  # 0.91 where all fade


def test_what_a_picture_hardly_shows_stays_as_it_was_completed():
    trainer, begun, before = filmed(0.97, completed=True)
    moved = (trainer.bound.parts["sh_dc"].detach() - begun).flatten(1).norm(dim=1)
    far, near = moved[before < 0.03].mean(), moved[before > 0.06].mean()
    assert float(far) < 0.2 * float(near)  # or 0.31


def test_other_options_do_not_go_on_with_an_unfinished_run(head_capture: Path, tmp_path: Path):
    out = tmp_path / "subject.ply"
    first = options(head_capture, out, steps=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("avatar.reconstruct.fit.save_avatar", _refuse)
        with pytest.raises(OSError, match="disk"):
            reconstruct(first)
    with pytest.raises(ValueError, match="other options or data"):
        reconstruct(replace(first, max_gaussians=9800))


def _refuse(path: Path, avatar: Avatar) -> None:
    raise OSError("no room on the disk")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_gaussians": 100}, "9728 triangles"),
        ({"train": AvatarTrainOptions(sh_degree=4)}, "0 to 3"),
        ({"train": AvatarTrainOptions(steps=0)}, "at least 1"),
        ({"train": AvatarTrainOptions(save_every=0)}, "at least 1"),
        ({"train": AvatarTrainOptions(coarse=1.5)}, "share"),
    ],
)
def test_options_that_cannot_work_are_refused(
    head_capture: Path, tmp_path: Path, changes: dict[str, object], words: str
):
    wrong = replace(options(head_capture, tmp_path / "subject.ply"), **changes)
    with pytest.raises(ValueError, match=words):
        reconstruct(wrong)


FEW = 60 if torch.version.cuda else 4
"""Steps on CUDA; a pretended device takes seconds for one."""


def errors_of_steps(capture: Path, out: Path, device: torch.device, steps: int = 60) -> list[float]:
    """The squared errors of training steps, on three pictures in turn."""
    opened = open_capture(capture)
    face = known_face(opened)
    assert face is not None
    chosen = options(capture, out, coarse=0.0, steps=60)
    trainer = start_trainer(chosen, opened, face, device)
    seen = read_all(opened.splits["train"])
    return [float(trainer.learn(*seen[i % 3])["error"]) for i in range(steps)]


def test_the_error_falls(head_capture: Path, tmp_path: Path):
    errors = errors_of_steps(head_capture, tmp_path / "s.ply", torch.device("cpu"))
    assert np.mean(errors[-3:]) < 0.8 * np.mean(errors[:3]), errors


@pytest.mark.gpu
def test_cuda_learns_what_the_cpu_learns(head_capture: Path, tmp_path: Path, cuda: torch.device):
    on_cpu, on_cuda = (
        errors_of_steps(head_capture, tmp_path / "s.ply", device, FEW)
        for device in (torch.device("cpu"), cuda)
    )
    assert on_cuda == pytest.approx(on_cpu, rel=0.02)


@pytest.mark.gpu
@pytest.mark.usefixtures("soon")
def test_the_same_command_runs_on_cuda(head_capture: Path, tmp_path: Path, cuda: torch.device):
    chosen = options(head_capture, tmp_path / "s.ply", steps=FEW)
    chosen = replace(chosen, device=cuda.type)
    reconstruct(chosen)
    assert len(load_avatar(chosen.out).gaussians.means) > len(load_head().faces) / 2
