"""What a CUDA device does, tried and timed: for at most ten minutes, from the demo's files."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from audio2mesh import load_audio
from audio2mesh.sound import SAMPLE_RATE
from common.assets import DEMO_AVATAR, DEMO_VOICE
from common.device import Device
from common.errors import mendable
from common.wav_files import write_wav
from configs.doctor.checks import in_short
from configs.verbs import CHECKOUT, HAS_RESEARCH

LONGEST = 600.0  # seconds
SIZES = ((512, 512), (1920, 1080), (3840, 2160))
STEPS = 1500  # of the reconstruction
Figures = Mapping[str, float | str]


@dataclass(frozen=True)
class Measured:
    """The figures of one part, or why there are none."""

    name: str
    figures: Figures
    seconds: float  # that it took
    failed: str = ""


Sizes = tuple[tuple[int, int], ...]


def measured(device: Device = "cuda", sizes: Sizes = SIZES) -> Iterator[Measured]:
    """Each part in turn; one that fails does not stop the others."""
    ends = time.perf_counter() + LONGEST
    with TemporaryDirectory(prefix="voicesplat-") as folder:
        for name, part in _parts(Path(folder), device, sizes, ends).items():
            started = time.perf_counter()
            if started > ends:
                yield Measured(name, {}, 0.0, "left out: ten minutes are over")
                continue
            try:
                figures, failed = part(), ""
            except Exception as error:  # that is what a device is tried for
                figures, failed = {}, mendable(error) or in_short(error)
            yield Measured(name, figures, time.perf_counter() - started, failed)


def _parts(
    folder: Path, device: Device, sizes: Sizes, ends: float
) -> dict[str, Callable[[], Figures]]:
    films = {f"drive {w}x{h}": partial(_drive, folder, device, (w, h)) for w, h in sizes}
    parts = {"first film": partial(_drive, folder, device, (64, 64), 1.0), **films}
    parts["batch"] = partial(_batch, folder, device)
    if not HAS_RESEARCH:
        return parts
    return {
        **parts,
        "gsplat against the CPU": partial(_against_cpu, device),
        "train motion": partial(_train, device),
        "reconstruct": partial(_reconstruct, folder, device),
        "tests": partial(_tests, ends),
    }


def _drive(
    folder: Path, device: Device, size: tuple[int, int], seconds: float | None = None
) -> Figures:
    """Frames a second and milliseconds a frame of each stage, on CUDA by its own events."""
    from avatar.drive.drive import drive
    from avatar.drive.options import DriveOptions

    voice = DEMO_VOICE if seconds is None else _voice(folder / "voice.wav", 0.0, seconds)
    out = folder / f"{size[0]}x{size[1]}.mp4"
    options = DriveOptions(DEMO_AVATAR, voice, out, device=device)
    report = drive(replace(options, width=size[0], height=size[1]))
    stages = ((name, s) for name, s in report.stages.items() if name != "load")
    per_frame = {f"{name} ms": 1000 * s / report.frames for name, s in stages}
    return {
        "backend": report.backend,
        "fps": report.steady_fps,
        "raster fps": report.frames / max(report.stages["raster"], 1e-9),
        "seconds": report.wall_seconds,
        "peak MiB": report.peak_rss_mb,
        **per_frame,
    }


def _voice(path: Path, start: float, seconds: float) -> Path:
    """A part of the demo voice."""
    first = round(start * SAMPLE_RATE)
    sound = load_audio(DEMO_VOICE)[first : first + round(seconds * SAMPLE_RATE)]
    write_wav(path, sound, SAMPLE_RATE)
    return path


def _batch(folder: Path, device: Device) -> Figures:
    """Four films of two seconds by two processes that share the device."""
    from avatar.batch.options import BatchOptions
    from avatar.batch.run import run_batch

    (folder / "lines").mkdir()
    for number in range(4):
        _voice(folder / "lines" / f"{number}.wav", 2.0 * number, 2.0)
    started = time.perf_counter()
    run_batch(
        BatchOptions(
            avatars=(str(DEMO_AVATAR),),
            audio=(str(folder / "lines"),),
            out=str(folder / "films"),
            device=device,
            width=512,
            height=512,
            workers=2,
        )
    )
    made = len(list((folder / "films").glob("*.mp4")))
    return {"films": made, "seconds": time.perf_counter() - started}


def _against_cpu(device: Device) -> Figures:
    """Differences of gsplat's picture and gradients from those of the CPU's rasterizer, and
    milliseconds forward and backward."""
    from research.bench.rasterizer import head_camera, head_of_gaussians
    from splat import Gaussians, render

    camera, white = head_camera(), torch.ones(3)

    def drawn(there: Device) -> tuple[torch.Tensor, ...]:
        scene = vars(head_of_gaussians(20_000, 3)).items()
        leaves = {name: part.to(there).requires_grad_() for name, part in scene}
        behind = white.to(there)
        colour = render(Gaussians(**leaves), camera, background=behind, with_depth=False).color
        gradients = torch.autograd.grad(colour.square().sum(), list(leaves.values()))
        return tuple(part.detach().cpu() for part in (colour, *gradients))

    first = drawn(device)
    started = time.perf_counter()
    found = drawn(device)
    spent = time.perf_counter() - started
    wanted = drawn("cpu")
    apart = (found[0] - wanted[0]).abs()
    far = [float((a - b).norm() / b.norm()) for a, b in zip(found[1:], wanted[1:], strict=True)]
    return {
        "mean": float(apart.mean()),
        "max": float(apart.max()),
        "share over 1e-4": float((apart.amax(-1) > 1e-4).float().mean()),
        "gradients, relative": max(far),
        "repeats, max": float((first[0] - found[0]).abs().max()),
        "forward and backward ms": 1000 * spent,
    }


def _train(device: Device, steps: int = 30) -> Figures:
    """Steps a second of `train motion` with its default batch, on the demo voice."""
    from audio2mesh import load_model
    from audio2mesh.data.clips import Clip
    from audio2mesh.model.motion import Motion
    from audio2mesh.model.stream import stream_coefficients
    from audio2mesh.training.motion_task import motion_trainer
    from audio2mesh.training.options import TrainOptions
    from avatar.heads import load_head
    from avatar.lipreading.sound_delay import face_geometry

    model, sound = load_model(device=device), load_audio(DEMO_VOICE)
    moved = torch.cat(list(stream_coefficients(model, [sound]))).cpu()
    motion = Motion(moved, model.basis.cpu())
    clip = Clip("demo", model.styles[0], sound, motion, model.fps, 0.0)
    face = face_geometry(load_head())
    trainer = motion_trainer(model, [clip], np.ones(1), face, TrainOptions(steps=steps + 5))
    for step in range(steps + 5):
        if step == 5:
            started = _finished()
        trainer.prepare()
        trainer.train_step()
    return {"steps a second": steps / (_finished() - started)}


def _finished() -> float:
    """The time when the device has done all it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _reconstruct(folder: Path, device: Device, steps: int = STEPS, side: int = 512) -> Figures:
    """Steps a second, and the likeness to held-out views, on a synthetic capture."""
    from avatar.reconstruct.capture_reader import open_capture
    from avatar.reconstruct.fit import known_face, run, run_record, some_of, start_trainer
    from avatar.reconstruct.options import AvatarTrainOptions, ReconstructOptions
    from avatar.reconstruct.previews import mean_psnr, read_all
    from research.captures.make import make_capture
    from research.captures.options import CaptureOptions

    few = {"cameras": 8, "timesteps": 8, "held_out_timesteps": 0, "speech": False}
    make_capture(CaptureOptions(folder / "capture", width=side, height=side, **few))
    capture = open_capture(folder / "capture", None)
    options = ReconstructOptions(
        folder / "capture",
        folder / "a.ply",
        device=device,
        train=AvatarTrainOptions(steps=steps, save_every=steps),
    )
    trainer = start_trainer(options, capture, known_face(capture), torch.device(device))
    started = _finished()
    run(trainer, options, capture, run_record(options, capture))
    spent = _finished() - started
    held = read_all(some_of(capture.splits["val"], 8))
    psnr = mean_psnr(trainer.draw, held)
    return {"steps": steps, "seconds": spent, "steps a second": steps / spent, "held-out dB": psnr}


def _tests(ends: float) -> Figures:
    """How the tests that need a device end."""
    files = [p for p in (CHECKOUT / "tests").rglob("test_*.py") if "mark.gpu" in p.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    left = max(30.0, ends - time.perf_counter())
    done = subprocess.run(
        [*command, "-m", "gpu and not soak", *map(str, files)],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=left,
        check=False,
    )
    lines = done.stdout.splitlines()
    failed = [line.split()[1] for line in lines if line.startswith(("FAILED", "ERROR"))]
    counts = dict(re.findall(r"(\d+) (passed|failed|skipped|error)", lines[-1] if lines else ""))
    found: dict[str, float | str] = {word: int(count) for count, word in counts.items()}
    return {**found, "which failed": ", ".join(failed)} if failed else found


def rows(part: Measured) -> str:
    """A part as rows of a Markdown table: what, figure."""
    if part.failed:
        return f"| {part.name} | {part.failed} |"
    cells = (
        f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in part.figures.items()
    )
    return f"| {part.name} | {'; '.join(cells)} |"
