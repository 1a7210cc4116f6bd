"""A whole reconstruction: a capture in, an avatar out, with progress, previews and logs."""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import torch

from avatar.capture import (
    Capture,
    Picture,
    View,
    keeping_reader,
    open_capture,
    shuffled,
    stream_pictures,
)
from avatar.files.avatar_file import save_avatar
from avatar.mesh import Mesh
from avatar.reconstruct.bound_gaussians import raw_of
from avatar.reconstruct.logs import curve_log
from avatar.reconstruct.options import ReconstructOptions, check_train_options
from avatar.reconstruct.previews import mean_psnr, read_all, some_of, write_preview
from avatar.reconstruct.progress import READ_EVERY, progress_line, readings
from avatar.reconstruct.regions import emphasised_vertices
from avatar.reconstruct.seeds import calmest_timestep, seeded
from avatar.reconstruct.start import face_colours, first_gaussians
from avatar.reconstruct.trainer import AvatarTrainer
from avatar.rig.avatar import Avatar
from avatar.transfer.fitted_face import Face, face_of
from common.errors import InputError
from common.run_state import open_run, save_run
from common.signals import unbroken
from common.writable import check_writable
from splat import RawGaussians, pick_backend

FIRST_LOOKS = 64  # pictures that give the first colours
SEEDED = 0.3  # of the budget that the triangles leave, for what is beside the mesh
SHOWN = 4  # views in a preview
SCORED = 12  # views of which the progress shows the PSNR


def reconstruct(options: ReconstructOptions) -> Avatar:
    """Learn an avatar and write it.

    The same command goes on with a run that was interrupted. Raises InputError, FileNotFoundError
    or OSError with one sentence for a capture, an option or an output that is not usable.
    """
    check_train_options(options.train)
    check_writable(options.out)
    device = pick_backend(options.device).device
    capture = open_capture(options.capture, options.flame)
    _check_budget(options, capture)
    face = known_face(capture)
    trainer = start_trainer(options, capture, face, device)
    state, record = _state_path(options.out), run_record(options, capture)
    if state.exists():
        trainer.resume(*open_run(state, record))
        print(f"continuing {state} at step {trainer.step}", file=sys.stderr)

    def save() -> None:
        save_run(trainer.state(), state, trainer.step, record)

    try:
        run(trainer, options, capture, save)
    except KeyboardInterrupt:
        save()
        print(f"stopped at step {trainer.step}; the same command continues", file=sys.stderr)
        raise
    avatar = finished_avatar(trainer, capture, face)
    save_avatar(options.out, avatar)
    state.unlink(missing_ok=True)
    return avatar


def _state_path(out: Path) -> Path:
    return out.with_name(out.name + ".state")


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
            "train": asdict(options.train),
            "max_gaussians": options.max_gaussians,
            "topology": capture.topology,
            "views": len(views),
            "last view": views[-1].image.name,
            "vertices": list(capture.vertices.shape),
            "vertex sum": float(capture.vertices.double().sum()),
        }
    )


def start_trainer(
    options: ReconstructOptions, capture: Capture, face: Face | None, device: torch.device
) -> AvatarTrainer:
    """A run at its first step."""
    views = capture.splits["train"]
    colours = face_colours(capture, stream_pictures(some_of(views, FIRST_LOOKS)))
    bound = first_gaussians(capture, colours, options.train.sh_degree)
    timestep = calmest_timestep(capture, views)
    around = read_all([view for view in views if view.timestep == timestep])
    room = int(SEEDED * (options.max_gaussians - len(bound)))
    bound = seeded(capture, bound, around, room)
    region = emphasised_vertices(face.head) if face else torch.empty(0, dtype=torch.int64)
    return AvatarTrainer(capture, bound, region, options.train, options.max_gaussians, device)


def known_face(capture: Capture) -> Face | None:
    """The regions of the capture's mesh, and anny-head laid onto it if it is another."""
    try:
        return face_of(Mesh(capture.rest, capture.faces), capture.topology)
    except InputError as error:
        print(f"eyes and mouth get no emphasis, as they are not found: {error}", file=sys.stderr)
        return None


def run(
    trainer: AvatarTrainer, options: ReconstructOptions, capture: Capture, save: Callable[[], None]
) -> None:
    """All steps that remain, with progress, previews and logs."""
    previews = options.previews or options.out.with_name(f"{options.out.stem}_previews")
    logs = options.logs or options.out.with_name(f"{options.out.stem}_logs")
    previews.mkdir(parents=True, exist_ok=True)
    held = capture.splits["val"] or capture.splits["train"]
    shown, scored = read_all(some_of(held, SHOWN)), read_all(some_of(held, SCORED))

    def look() -> dict[str, float]:
        write_preview(trainer.draw, shown, previews / f"step_{trainer.step:06d}.png")
        return {"psnr/held-out": mean_psnr(trainer.draw, scored)}

    with ExitStack() as stack:
        add = stack.enter_context(curve_log(logs, trainer.step))
        show = stack.enter_context(progress_line(trainer.step, options.train.steps))
        pictures = stack.enter_context(closing(remaining(trainer, options, capture)))
        for view, picture in pictures:
            with unbroken():
                losses = trainer.train_step(view, picture)
                step, last = trainer.step, trainer.step == options.train.steps
                values = readings(losses) if step % READ_EVERY == 0 or last else {}
                if step % options.every == 0 or last:
                    save()
                    values |= look()
                if values:
                    show(step, len(trainer.bound), values)
                    add(step, {**values, "gaussians": len(trainer.bound)})


def remaining(
    trainer: AvatarTrainer, options: ReconstructOptions, capture: Capture
) -> Generator[tuple[View, Picture]]:
    """The views of all steps that are left, with their pictures."""
    left = options.train.steps - trainer.step
    views = shuffled(capture.splits["train"], options.train.seed, trainer.step)
    read = keeping_reader(int(options.memory_gb * 1e9))
    yield from stream_pictures(islice(views, left), read)


def finished_avatar(trainer: AvatarTrainer, capture: Capture, face: Face | None) -> Avatar:
    """The avatar that driving takes."""
    raw = raw_of(trainer.bound)
    parts = {name: tensor.detach().cpu().contiguous() for name, tensor in vars(raw).items()}
    binding = trainer.bound.binding.cpu()
    gaussians, template = RawGaussians(**parts), face.fitted if face else None
    mesh = (capture.rest, capture.faces)
    return Avatar(gaussians, binding, *mesh, capture.topology, template)
