"""Train the two-dimensional teacher: speech → pictures of the mouth."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audio2mesh.data.clips import Clip, load_clips
from audio2mesh.sound.waveform import load_audio
from audio2mesh.teacher import Film, TeacherFitOptions, fit_teacher, write_sheet
from avatar.heads import Head, load_head
from avatar.lipreading.face_geometry import face_units
from avatar.lipreading.mouth_crops import render_reel
from avatar.lipreading.videos import SUFFIXES, load_mouth_video
from avatar.lipreading.view import FRONT
from common.errors import InputError
from common.progress import progress_bar
from common.writable import check_writable
from configs.command import run_command


@dataclass(frozen=True)
class TeacherOptions:
    """Train the teacher on renders of speech-motion clips, on films of talking faces, or both."""

    out: Path
    """The weights to write (.safetensors)."""
    data: tuple[Path, ...] = ()
    """Folders of clips: <id>.flac (or .wav, ..) with <id>.npz."""
    videos: Path | None = None
    """Folder of films of talking faces."""
    test: tuple[str, ...] = ()
    """Ids of clips that are never trained on; their crops are drawn beside the truth."""
    exclude: tuple[str, ...] = ()
    """Ids of clips that are not used at all."""
    clips: int = 60
    """Clips with modelled motion that are used at most."""
    cache: Path = Path("mouth_crops")
    """Folder in which rendered crops are kept; scripts/train_lipreader.py can share it."""
    sheet: Path | None = None
    """Picture (.png) to write: drawn and true crops of the test clips, one above the other."""
    fit: TeacherFitOptions = field(default_factory=TeacherFitOptions)
    """The training."""


def main(options: TeacherOptions) -> None:
    check_writable(options.out)
    head = load_head()
    held, training = _clips(options, head)
    films = [*_filmed(options.videos), *_rendered(head, training, options.cache)]
    if not films:
        raise InputError("there is nothing to train on; name folders with --data or --videos")
    tests = list(_rendered(head, held, options.cache))
    teacher = fit_teacher(films, options.out, options.fit)
    print(f"wrote {options.out}")
    if options.sheet and tests:
        write_sheet(teacher, tests, options.sheet)
        print(f"wrote {options.sheet}: the teacher's crops above the true ones")


def _clips(options: TeacherOptions, head: Head) -> tuple[list[Clip], list[Clip]]:
    """The clips that are held out, and those that are trained on."""
    units = face_units(head)
    clips = [clip for folder in options.data for clip in load_clips(folder, units, head.vertices)]
    if missing := {*options.test, *options.exclude} - {clip.name for clip in clips}:
        raise InputError(f"no clip is called {sorted(missing)[0]}; --test and --exclude name clips")
    held = [clip for clip in clips if clip.name in options.test]
    unused = {*options.test, *options.exclude}
    return held, _at_most(options.clips, [clip for clip in clips if clip.name not in unused])


def _at_most(count: int, clips: Sequence[Clip]) -> list[Clip]:
    """All clips, but modelled ones only evenly chosen."""
    modelled = [clip.name for clip in clips if clip.origin == "modelled"]
    every = np.linspace(0, len(modelled) - 1, min(count, len(modelled))).round().astype(int)
    chosen = {modelled[index] for index in every}
    return [clip for clip in clips if clip.origin != "modelled" or clip.name in chosen]


def _rendered(head: Head, clips: Sequence[Clip], cache: Path) -> Iterator[Film]:
    """The clips' mouths, from the front."""
    with progress_bar("Rendering mouths", len(clips), "clips/s") as done:
        for clip in clips:
            yield Film(clip.name, clip.audio, render_reel(head, clip, FRONT, cache).crops)
            done()


def _filmed(folder: Path | None) -> Iterator[Film]:
    """The mouths of a folder of films."""
    if folder is None:
        return
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(f"{folder}: holds no films ({', '.join(SUFFIXES)})")
    for path in paths:
        yield Film(path.stem, load_audio(path), load_mouth_video(path))


if __name__ == "__main__":
    run_command(main, TeacherOptions)
