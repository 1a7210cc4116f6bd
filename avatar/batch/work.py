"""The work on jobs, with everything that they share kept loaded."""

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from audio2mesh import SpeechToMotion, load_model
from avatar.avatar_io.open_avatar import avatar_kind, read_facts
from avatar.batch.jobs import Job, making, said_options, write_record
from avatar.drive.direction import Direction
from avatar.drive.drive import film, prepare
from avatar.drive.motion import motion_file
from avatar.drive.options import DriveOptions
from avatar.drive.plans import DrivePlan, Look, plan_drive
from avatar.drive.render_context import Loaded, Subject, open_render_context, open_subject
from avatar.drive.report import PhaseClock, peak_rss_mb
from avatar.trust.consent import check_consent
from avatar.trust.manifest import SIDECAR, sidecar_of
from common.device import Device
from common.errors import InputError, mendable
from common.progress import silence
from common.threads import use_threads
from common.uris import fetched, is_url, kept_copy, local_path, put, remove
from splat import choose_backend

LOADED = 2  # avatars that are kept, with their light

Record = dict[str, Any]


Made = tuple[dict[str, Path], int, float]
"""What a job made in a folder of its own: film and motion; its frames, and frames a second."""


def make(task: tuple[Job, str]) -> Record:
    """Make the outputs of a job with its key, and its record; returns that.

    Errors become a sentence of the record. Outputs are put in place when all of them are complete;
    the former record is removed before and the new one written last, so that a record always
    describes the present outputs.
    """
    job, key = task
    started = time.perf_counter()
    record = {"job": job.name, "avatar": job.avatar, "audio": job.audio, **_attempt(job)}
    record |= {"seconds": round(time.perf_counter() - started, 3), "peak_mb": round(peak_rss_mb())}
    record |= {"options": said_options(job.options), "key": key}
    try:
        write_record(job, record)
    except (InputError, OSError) as error:
        record |= {"status": "failed", "error": mendable(error)}
    return record


def _attempt(job: Job) -> Record:
    local = job.audio
    try:
        with _folder_of(job) as folder, silence(), fetched(job.audio) as audio:
            local = str(audio)
            files, frames, fps = (_film if "film" in job.outputs else _move)(job, audio, folder)
            sizes = {kind: path.stat().st_size for kind, path in files.items()}
            remove(job.record)
            for kind, path in files.items():
                put(path, job.output(kind))
                if (beside := sidecar_of(path)).is_file():
                    put(beside, job.output(kind) + SIDECAR)
        return {"status": "made", "outputs": sizes, "frames": frames, "fps": fps}
    except Exception as error:
        if isinstance(error, SystemError) and isinstance(error.__cause__, SystemExit):
            raise error.__cause__ from None  # what a signal becomes in a compiled function
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}, line {frame.lineno}"
        mistake = f"a mistake in VoiceSplat ({where}): {type(error).__name__}: {error}"
        sentence = mendable(error) or mistake
        return {"status": "failed", "error": sentence.replace(local, job.audio)}


def _film(job: Job, audio: Path, folder: Path) -> Made:
    motion = folder / "motion.npz" if "motion" in job.outputs else None
    out = folder / f"film{job.outputs['film']}"
    plan = _plan(job, audio, out=out, save_motion=motion)
    report = film(plan, PhaseClock(), _loaded(_key(plan)))
    files = {"film": out} | ({"motion": motion} if motion else {})
    return files, report.frames, report.fps


def _move(job: Job, audio: Path, folder: Path) -> Made:
    """The motion alone."""
    path = folder / "motion.npz"
    plan = _plan(job, audio, save_motion=path)
    motion = prepare(plan, PhaseClock(), _subject(_key(plan))).motion
    with motion_file(path, motion) as append:
        for chunk in motion.offsets():
            append(chunk.numpy())
    return {"motion": path}, motion.frames, motion.fps


def _plan(job: Job, audio: Path, **outputs: Path | None) -> DrivePlan:
    given: dict[str, Any] = {**job.options, **outputs, "audio": audio, "threads": job.threads}
    remote = is_url(job.avatar)  # then it is downloaded once for each content
    avatar = kept_copy(job.avatar, "avatars") if remote else local_path(job.avatar)
    if job.require_consent:
        check_consent(read_facts(avatar).consent, job.avatar)
    if given["weights"] is None and avatar_kind(avatar) != "gaussian-avatars":
        given["flame"] = None  # it is for others of the cast
    options = DriveOptions(avatar, **given)
    use_threads(options.threads)
    return plan_drive(options, film="film" in job.outputs)


class _Key(NamedTuple):
    """What a film's avatar is cached by."""

    look: Look
    weights: Path | None
    manner: str
    changed: tuple[int, ...]  # times of the files that were read


def _key(plan: DrivePlan) -> _Key:
    look, manner = plan.look, plan.direction.manner
    read = [path for path in (look.files.path, Path(manner)) if path.exists()]
    changed = tuple(path.stat().st_mtime_ns for path in read)
    return _Key(look, plan.direction.weights, manner, changed)


@lru_cache(maxsize=LOADED)
def _loaded(key: _Key) -> Loaded:
    return open_render_context(key.look, _subject(key))


@lru_cache(maxsize=LOADED)
def _subject(key: _Key) -> Subject:
    model = _model(key.weights, key.look.device)
    return open_subject(key.look, Direction(manner=key.manner), model)


@lru_cache(maxsize=1)
def _model(weights: Path | None, device: Device) -> SpeechToMotion:
    return load_model(weights, choose_backend(device)[0])


@contextmanager
def _folder_of(job: Job) -> Iterator[Path]:
    """An empty folder for incomplete outputs."""
    if is_url(job.out):
        with TemporaryDirectory(prefix="voicesplat-") as temporary:
            yield Path(temporary)
        return
    folder = making(job)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
