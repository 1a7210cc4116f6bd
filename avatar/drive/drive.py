"""A voice recording, or recorded face motion, and an avatar become a talking-head video."""

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import torch

from audio2mesh import probe_audio
from avatar.avatar_io.live_link import Take
from avatar.drive.frames import Film, ignore, shoot
from avatar.drive.motion import DrivenMotion, motion_file, moving
from avatar.drive.options import DriveOptions
from avatar.drive.performance import perform
from avatar.drive.plans import DrivePlan, plan_drive
from avatar.drive.render_context import Loaded, Subject, open_render_context, open_subject
from avatar.drive.report import PhaseClock, Report, peak_rss_mb
from avatar.video.sound import Sound
from common.threads import use_threads


@dataclass(frozen=True)
class Scene:
    """A subject, its motion and the sound, checked and loaded."""

    subject: Subject
    motion: DrivenMotion
    sound: Sound | None
    audio_seconds: float


def drive(options: DriveOptions, loaded: Loaded | None = None) -> Report:
    """Render the video.

    loaded: of an earlier film of the same look and weights. Bad input raises InputError or OSError
    with one sentence, before a frame is drawn; whatever happens, nothing half-written is left.
    """
    clock = PhaseClock()
    use_threads(options.threads)
    return film(plan_drive(options), clock, loaded)


def film(plan: DrivePlan, clock: PhaseClock, loaded: Loaded | None = None) -> Report:
    """Render the video of a plan."""
    assert plan.out
    scene = prepare(plan, clock, loaded and loaded.subject)
    subject, motion = scene.subject, scene.motion
    move = partial(moving, motion, subject.avatar)
    with clock.stage("load"):
        context = (loaded or open_render_context(plan.look, subject)).context
    cameras = plan.track(plan.framed(subject.avatar), motion.frames, motion.fps)
    loop_started, cpu_before = time.perf_counter(), time.process_time()
    shot = Film(plan.out, plan.size, scene.sound, "driving", plan.look.label, plan.seal)
    saved = plan.save_motion
    with motion_file(saved, motion) if saved else nullcontext(ignore) as save:
        shoot(shot, context, move, cameras, clock, save)
    finished = time.perf_counter()
    return Report(
        output=str(plan.out),
        frames=motion.frames,
        fps=motion.fps,
        audio_seconds=scene.audio_seconds,
        wall_seconds=finished - clock.started,
        steady_fps=motion.frames / (finished - loop_started),
        cpu_seconds=time.process_time() - cpu_before,
        peak_rss_mb=peak_rss_mb(),
        backend=subject.backend,
        gaussians=len(context.avatar.binding),
        stages=clock.seconds,
    )


def prepare(plan: DrivePlan, clock: PhaseClock, subject: Subject | None = None) -> Scene:
    """Load and check what moves the avatar, the sound, and the avatar unless it is given."""
    with clock.stage("load"):
        subject = subject or open_subject(plan.look, plan.direction)
        take, sound = _performed(plan, subject.device)
    with clock.stage("audio2mesh"):
        mover = subject.spoken or take
        assert mover is not None
        motion = perform(subject.face, mover, plan.direction, take)
        heard = probe_audio(sound.path) if sound else 0.0
        seconds = motion.frames / motion.fps if plan.direction.audio else heard
    return Scene(subject, motion, sound, seconds)


def _performed(plan: DrivePlan, device: torch.device) -> tuple[Take | None, Sound | None]:
    """The recorded performance, of the whole face or beside a voice; and the sound: the voice's,
    else the film's own."""
    if plan.film is None:
        return plan.take, plan.sound
    from avatar.tracking.track import performance_of  # noqa: PLC0415  voices need no tracker

    performance = performance_of(plan.film, plan.sync, device)
    if plan.sound is None:
        print(performance.heard.words, file=sys.stderr)
    return performance.take, plan.sound or performance.heard.sound
