"""Many films of one person → clips of speech with motion, as `train motion` reads them.

The person (shape, offsets of the landmarks, colours, light, neutral face) and the delay of the
sound are solved once, from a few of the films; then every film is tracked by its motion alone.
Several processes may share the films: each film's clip and record are files of their own.
"""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic

import numpy as np

from avatar.geometry.rotations import head_angles
from avatar.geometry.vectors import Floats
from avatar.heads.arkit import WEIGHTS
from avatar.tracking.frames import FollowedFace
from avatar.tracking.mouth import mean_rows, performed_mouth
from avatar.tracking.options import FilmsOptions, check_sync, check_tracking
from avatar.tracking.person import (
    PERSON,
    RATE,
    SPOKEN,
    KnownPerson,
    film_sound,
    found_face,
    load_person,
    motion_of,
)
from avatar.tracking.result import Tracking, head_poses
from avatar.tracking.stages import OwnModel, own_model
from avatar.tracking.write import held_rows
from avatar.video.reader import film_info
from avatar.vision.follow import FaceFinder, load_face_finder
from common.arrays import write_arrays
from common.claimed_folder import claim_folder
from common.device import pick_device
from common.errors import InputError
from common.json_files import read_json, write_json
from common.progress import progress_bar
from common.threads import use_threads
from common.wav_files import write_wav

SUFFIXES = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".mpg")
RECORDS = "films"  # folder in the folder of clips
MOST_LOST = 0.1  # of the frames without a face
MOST_RESIDUAL = 2.5  # times the residual of the person's own films
MOST_TURNED = 40.0  # degrees of yaw or pitch, in a tenth of the frames


@dataclass(frozen=True)
class Record:
    """What became of a film."""

    film: str
    frames: int
    seconds: float  # that its tracking took
    residual: float  # mm, median distance of the landmarks from where the face has them
    dropped: str  # the reason, or nothing
    closures: int = 0  # words that begin with lips shut
    closed: int = 0  # and how many of them did


def track_films(options: FilmsOptions) -> list[Record]:
    """Track all films, or those of a shard; those that have a record already are left as they are.

    Raises InputError or OSError with one sentence.
    """
    use_threads(options.threads)
    check_tracking(options)
    check_sync(options.sync)
    films = find_films(options.films)
    part, parts = options.shard
    if not 1 <= part <= parts:
        raise InputError(f"--shard {part} {parts}: the part must be from 1 to {parts}")
    for film in films:
        _words(options.words, film)
    device = pick_device(options.device)
    _claim(options, films)
    for folder in (PERSON, RECORDS):
        (options.out / folder).mkdir(exist_ok=True)
    finder = load_face_finder(device)
    try:
        known = load_person(options, films, finder)
    except InputError:
        shutil.rmtree(options.out)  # it holds nothing yet
        raise
    own = own_model(known.solved)
    mine = films[part - 1 :: parts]
    done = [options.out / RECORDS / f"{film.stem}.json" for film in mine]
    missing = [(f, path) for f, path in zip(mine, done, strict=True) if not path.is_file()]
    with progress_bar("films", len(mine), "films/s", len(mine) - len(missing)) as show:
        for film, path in missing:
            record = _tracked(film, options, known, own, finder)
            write_json(path, asdict(record))
            print(_line(record), file=sys.stderr)
            show()
    return [Record(**read_json(path)) for path in done]


def find_films(given: Sequence[Path]) -> list[Path]:
    """The films of files and folders, in order; no two may have one name."""
    films: list[Path] = []
    for path in given:
        inside = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES)
        films += inside if path.is_dir() else [path]
        if path.is_dir() and not inside:
            raise InputError(f"{path}: holds no film ({', '.join(SUFFIXES)})")
    names = [film.stem for film in films]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"--films: two films are called {twice[0]}; rename one of them")
    for film in films:
        film_info(film)  # fails at once for a file that is no film
    return sorted(films, key=lambda film: film.stem)


def _claim(options: FilmsOptions, films: Sequence[Path]) -> None:
    without = ("films", "out", "shard", "words", "device", "threads")
    wanted = {k: v for k, v in asdict(options).items() if k not in without}
    names = "\n".join(film.stem for film in films)
    wanted["films"] = f"{len(films)}, {sha256(names.encode()).hexdigest()}"
    claim_folder(options.out, wanted, "set of clips")


def _tracked(
    film: Path, options: FilmsOptions, known: KnownPerson, own: OwnModel, finder: FaceFinder
) -> Record:
    """Track one film and write its clip, unless it is to be dropped."""
    started = monotonic()
    if film_info(film).sound_begin is None:
        return Record(film.stem, 0, monotonic() - started, 0.0, "it has no sound")
    try:
        face = found_face(film, options, finder)
    except InputError as error:
        reason = str(error).removeprefix(f"{film}: ")
        return Record(film.stem, 0, monotonic() - started, 0.0, reason)
    tracking, residual = motion_of(film, face, known, own, options.size)
    why = _fault(tracking, face, residual, known)
    record = Record(film.stem, len(face.frames), 0.0, residual, why)
    if not why:
        gap = _write_clip(film, tracking, known, options)
        times = (tracking.frames.numpy() + 0.5) / tracking.fps
        called, closed = closures(options.words, film, times, gap)
        record = replace(record, closures=called, closed=closed)
    return replace(record, seconds=round(monotonic() - started, 3))


def _fault(tracking: Tracking, face: FollowedFace, residual: float, known: KnownPerson) -> str:
    """Why a film is dropped, or nothing."""
    frames = len(face.frames)
    if face.lost > MOST_LOST * (frames + face.lost):
        return f"the face is lost in {face.lost} of {frames + face.lost} frames"
    if residual > MOST_RESIDUAL * known.residual:
        return f"landmarks are {residual:.1f} mm off, {known.residual:.1f} in the person's films"
    turned = np.degrees(head_angles(head_poses(tracking)).double().numpy())
    if np.quantile(np.abs(turned[:, :2]).max(1), 0.9) > MOST_TURNED:
        return f"the head turns by more than {MOST_TURNED:.0f} degrees"
    return ""


def _write_clip(
    film: Path, tracking: Tracking, known: KnownPerson, options: FilmsOptions
) -> Floats:
    """Write the clip; returns the lip gap [F] of the mean head in metres."""
    model, person = tracking.model, tracking.person
    weights = performed_mouth(model, person, tracking.states, known.neutral)
    count = int(tracking.frames[-1] - tracking.frames[0]) + 1
    rows = held_rows(tracking.frames)
    names = tracking.model.head.unit_names
    spoken = [names.index(name) for name in WEIGHTS if name.startswith(SPOKEN)]
    angles = np.degrees(head_angles(head_poses(tracking)).double().numpy())
    write_wav(
        options.out / f"{film.stem}.wav", film_sound(film, tracking, count, known.delay), RATE
    )
    write_arrays(
        options.out / f"{film.stem}.npz",
        {
            "fps": np.array(tracking.fps),
            "sync_lag_ms": np.array(-500 / tracking.fps, np.float32),
            "head": angles[rows].astype(np.float32),
            "arkit": weights[rows][:, spoken].float().numpy(),
            "arkit_names": np.array([names[k] for k in spoken]),
            "style": np.array(options.speaker or options.out.absolute().name),
            "origin": np.array("tracked"),
        },
    )
    return mean_rows(model, person).of(weights)[:, 0].numpy()


WORD_RATE = 25_000  # units of time in a second of a file of words
SHUT_WORDS = ("b", "p", "m")
NOT_SHUT = ("ph",)
REACH = 0.12  # seconds before and after a word's begin in which the lips must meet
TOUCHING = 0.0008  # metres of mean gap


def closures(folder: Path | None, film: Path, times: Floats, gap: Floats) -> tuple[int, int]:
    """How many words of the film begin with shut lips, and at how many of them the lips met, whose
    gap [F] in metres belongs to times [F] in seconds."""
    called = closed = 0
    for begin, word in _words(folder, film):
        if word.startswith(SHUT_WORDS) and not word.startswith(NOT_SHUT) and word != "m":
            near = np.abs(times - begin) < REACH
            called += bool(near.any())
            closed += bool((gap[near] < TOUCHING).any())
    return called, closed


def _words(folder: Path | None, film: Path) -> list[tuple[float, str]]:
    """Begin in seconds and text of each word of <film>.align, lines `begin end word` in
    1/25,000 s, as GRID has them; none where there is no such file."""
    path = folder / f"{film.stem}.align" if folder else None
    if path is None or not path.is_file():
        return []
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
        return [(int(begin) / WORD_RATE, word) for begin, _, word in lines]
    except ValueError:
        raise InputError(
            f"{path}: must have lines `begin end word`, the times in 1/25,000 s"
        ) from None


def _line(record: Record) -> str:
    if record.dropped:
        return f"{record.film}: dropped: {record.dropped}"
    speed = record.frames / record.seconds
    return f"{record.film}: {record.residual:.2f} mm, {speed:.1f} frames/s"


def summary(records: Sequence[Record]) -> list[str]:
    """What became of the films, in lines."""
    kept = [record for record in records if not record.dropped]
    lines = [f"{record.film}: dropped: {record.dropped}" for record in records if record.dropped]
    if not kept:
        return [*lines, f"all {len(records)} films were dropped"]
    frames, seconds = (sum(getattr(one, name) for one in kept) for name in ("frames", "seconds"))
    residuals = np.quantile([one.residual for one in kept], [0.5, 0.95])
    said = (
        f"{len(kept)} of {len(records)} films, {frames} frames at {frames / seconds:.1f} a second"
    )
    said += f"; landmarks {residuals[0]:.2f} mm off (95 %: {residuals[1]:.2f})"
    if called := sum(one.closures for one in kept):
        closed = 100 * sum(one.closed for one in kept) / called
        said += f"; lips met at {closed:.0f} % of {called} words that begin with b, m or p"
    return [*lines, said]
