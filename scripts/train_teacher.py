"""Train the two-dimensional teacher: speech → pictures of the mouth."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from audio2mesh.clips import Clip, load_clips
from audio2mesh.encoder import SAMPLE_RATE
from audio2mesh.motion import Motion
from audio2mesh.sync.segments import FPS
from audio2mesh.teacher import Film, TeacherFitOptions, fit_teacher, write_sheet
from audio2mesh.windows import WindowForm, cut_window, shorten_pauses
from avatar.heads import Head, face_units, load_head
from avatar.mouth.reels import render_reel
from avatar.mouth.view import FRONT
from avatar.output import check_writable
from avatar.progress import progress_bar
from configs.command import run_command


@dataclass(frozen=True)
class TeacherOptions:
    """Train the teacher on renders of speech-motion clips."""

    data: tuple[Path, ...]
    """Folders of clips: <id>.flac (or .wav, ..) with <id>.npz."""
    out: Path
    """The weights to write (.safetensors)."""
    test: tuple[str, ...] = ("1114_3_15",)
    """Ids of clips that are never trained on; their crops are drawn beside the truth."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    seconds: float = 30.0
    """Seconds of speech rendered of each clip."""
    clips: int = 60
    """Clips with modelled motion that are used at most."""
    cache: Path = Path("mouth_crops")
    """Folder in which rendered crops are kept."""
    sheet: Path | None = None
    """Picture (.png) to write: drawn and true crops of the test clips, one above the other."""
    fit: TeacherFitOptions = field(default_factory=TeacherFitOptions)
    """The training."""


def main(options: TeacherOptions) -> None:
    check_writable(options.out)
    head = load_head()
    clips = [
        c for folder in options.data for c in load_clips(folder, face_units(head), head.vertices)
    ]
    used = [clip for clip in clips if clip.name not in options.exclude]
    held = [clip for clip in used if clip.name in options.test]
    training = _at_most(options.clips, [clip for clip in used if clip.name not in options.test])
    if not training:
        raise ValueError(f"{options.data[0]}: every clip is held out, none is left to train on")
    films = list(_films(head, training, options))
    tests = list(_films(head, held, options))
    teacher = fit_teacher(films, options.out, options.fit)
    print(f"wrote {options.out}")
    if options.sheet and tests:
        write_sheet(teacher, tests, options.sheet)
        print(f"wrote {options.sheet}: the teacher's crops above the true ones")


def _at_most(count: int, clips: Sequence[Clip]) -> list[Clip]:
    """All clips, but modelled ones only evenly chosen."""
    modelled = [clip.name for clip in clips if clip.origin == "modelled"]
    every = np.linspace(0, len(modelled) - 1, min(count, len(modelled))).round().astype(int)
    chosen = {modelled[index] for index in every}
    return [clip for clip in clips if clip.origin != "modelled" or clip.name in chosen]


def _films(head: Head, clips: Sequence[Clip], options: TeacherOptions) -> Iterator[Film]:
    with progress_bar("Rendering mouths", len(clips), "clips/s") as done:
        for clip in clips:
            part = running_part(clip, options.seconds)
            reel = render_reel(head, part, FRONT, options.cache)
            yield Film(part.name, part.audio, reel.crops)
            done()


def running_part(clip: Clip, seconds: float) -> Clip:
    """A stretch of a clip at 25 fps with its pauses cut short; which one follows from its name."""
    rng = np.random.default_rng(zlib.crc32(clip.name.encode()))
    speech = shorten_pauses(clip, rng)
    frames = int(min(seconds, speech.seconds) * FPS)
    form = WindowForm(frames * SAMPLE_RATE // FPS, frames, FPS, len(clip.motion.basis))
    start = rng.uniform(0, speech.seconds - frames / FPS)
    window = cut_window(speech, start, 1.0, form)
    motion = Motion(window.coefficients, clip.motion.basis)
    return replace(speech, audio=window.audio, motion=motion, fps=FPS, lag=-0.5 / FPS)


if __name__ == "__main__":
    run_command(main, TeacherOptions)
