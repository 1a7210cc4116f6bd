"""A voice recording, or recorded face motion, and an avatar become a talking-head video; or two
avatars, who sit side by side and are turned to each other: one mesh, and one set of Gaussians."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice

import torch
from torch import Tensor
from torch.nn.functional import pad

from audio2mesh import probe_audio
from avatar.avatar_io.live_link import Take
from avatar.drive.direction import Direction
from avatar.drive.frames import Film, shoot
from avatar.drive.motion import DrivenMotion, Moving, motion_file, moving
from avatar.drive.options import DriveOptions
from avatar.drive.performance import perform
from avatar.drive.plans import DrivePlan, plan_drive
from avatar.drive.render_context import (
    Loaded,
    RenderContext,
    Subject,
    open_render_context,
    open_subject,
    render_context,
)
from avatar.drive.report import PhaseClock, Report, peak_rss_mb
from avatar.rigging.avatar import Avatar
from avatar.video.camera_path import NARROW, Framing, framed_as
from avatar.video.sound import Sound
from common.threads import use_threads
from splat import RawGaussians

APART = 0.38  # metres between the heads
TURNED, LOOK = 26.0, 18.0
"""Degrees that bodies are turned to each other, and that eyes and heads look further."""
BESIDE = 0.43  # of what a picture of one shows, how much is to be seen beyond a head's middle
PAIR = (-1.0, 1.0)  # the sides: to the left in the picture, and to the right

Move = Callable[[torch.device | None], Moving]


@dataclass(frozen=True)
class Scene:
    """A subject, its motion and the sound, checked and loaded."""

    subject: Subject
    motion: DrivenMotion
    sound: Sound | None
    audio_seconds: float


def drive(options: DriveOptions, loaded: Loaded | None = None) -> Report:
    """Render the video.

    loaded: of an earlier film of the same look and weights. Bad input
    raises InputError or OSError with one sentence, before a frame is drawn; whatever happens,
    nothing half-written is left.
    """
    clock = PhaseClock()
    use_threads(options.threads)
    return film(plan_drive(options), clock, loaded)


def film(plan: DrivePlan, clock: PhaseClock, loaded: Loaded | None = None) -> Report:
    """Render the video of a plan."""
    if plan.beside:
        plan = replace(plan, direction=looking(plan.direction, PAIR[0]))
    assert plan.out
    scene = prepare(plan, clock, loaded and loaded.subject)
    subject, motion = scene.subject, scene.motion
    move = partial(moving, motion, subject.avatar)
    framed = plan.framed(subject.avatar)
    if plan.beside:
        context, move, framed = _beside(plan, plan.beside, scene, framed, clock)
    else:
        with clock.stage("load"):
            context = (loaded or open_render_context(plan.look, subject)).context
    cameras = plan.track(framed, motion.frames, motion.fps)
    loop_started, cpu_before = time.perf_counter(), time.process_time()
    shot = Film(plan.out, plan.size, scene.sound, "driving", plan.look.label, plan.seal)
    with _saver(plan, motion) as save:
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


def _beside(
    plan: DrivePlan, other: DrivePlan, scene: Scene, framed: Framing, clock: PhaseClock
) -> tuple[RenderContext, Move, Framing]:
    """Both avatars as one: how they are drawn, how they move, and what a picture shows.

    other: of the second avatar; framed: what a picture of the first alone shows.
    """
    second = prepare(replace(other, direction=looking(other.direction, PAIR[1])), clock)
    one, two = scene.subject.avatar, second.subject.avatar
    on = scene.subject
    context = render_context(merged(one, two), on.backend, on.device, plan.look.background)
    moves = (partial(moving, s.motion, s.subject.avatar) for s in (scene, second))
    busts = [framed_as("bust", (1, 1), each) for each in (one, two)]
    both = framed_together((framed, other.framed(two)), busts, plan.size)
    return context, partial(together, *moves, len(one.vertices)), both


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


@contextmanager
def _saver(plan: DrivePlan, motion: DrivenMotion) -> Iterator[Callable[[Tensor], None]]:
    """A function that saves the offsets [V, 3] of a frame, or ignores them where none are asked."""
    if plan.save_motion is None:
        yield lambda offsets: None
        return
    with motion_file(plan.save_motion, motion) as save:
        yield lambda offsets: save(offsets.numpy())


def looking(direction: Direction, side: float) -> Direction:
    """The direction of one who sits at a side, and whose gaze is free: to the other."""
    behaviour = direction.behaviour
    if behaviour is None or not behaviour.gaze.free:
        return direction
    gaze = replace(behaviour.gaze, x=-side * LOOK)
    return replace(direction, behaviour=replace(behaviour, gaze=gaze))


def seated(points: Tensor, side: float) -> Tensor:
    """Points [..., 3] of one who sits at a side, in the space of both."""
    angle = math.radians(-side * TURNED)
    c, s = math.cos(angle), math.sin(angle)
    R_both_one = torch.tensor([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]]).to(points)
    return points @ R_both_one.T + torch.tensor([side * APART / 2, 0.0, 0.0]).to(points)


def merged(one: Avatar, other: Avatar) -> Avatar:
    """Both as one avatar at rest, which says of itself what both say."""
    pair, shift = (one, other), len(one.faces)
    bases = max(avatar.gaussians.sh.shape[1] for avatar in pair)
    parts = [
        replace(raw, sh=pad(raw.sh, (0, 0, 0, bases - raw.sh.shape[1])))
        for raw in (avatar.gaussians for avatar in pair)
    ]
    names = ("means", "quats", "log_scales", "opacity_logits", "sh")
    return Avatar(
        RawGaussians(*(torch.cat([getattr(part, name) for part in parts]) for name in names)),
        torch.cat([one.binding, other.binding + shift]),
        torch.cat([seated(a.vertices, side) for a, side in zip(pair, PAIR, strict=True)]),
        torch.cat([one.faces, other.faces + len(one.vertices)]),
        one.topology,
        origin="; ".join(filter(None, (avatar.origin for avatar in pair))),
        consent="; ".join(filter(None, (avatar.consent for avatar in pair))),
    )


def together(one: Move, other: Move, vertices: int, device: torch.device | None) -> Moving:
    """The moving mesh of both, as long as the shorter; vertices: how many are the first one's."""
    first, second = one(device), other(device)
    assert first.fps == second.fps
    frames = min(first.frames, second.frames)

    def chunks() -> Iterator[Tensor]:
        parts = (chain.from_iterable(each.chunks()) for each in (first, second))
        return (torch.cat(frame)[None] for frame in islice(zip(*parts, strict=False), frames))

    def moved(offsets: Tensor, frames: int | slice) -> Tensor:
        halves = offsets.split([vertices, offsets.shape[-2] - vertices], dim=-2)
        pairs = zip((first, second), halves, strict=True)
        posed = (each.vertices(half, frames) for each, half in pairs)
        return torch.cat([seated(*each) for each in zip(posed, PAIR, strict=True)], dim=-2)

    return Moving(chunks, moved, frames, first.fps)


def framed_together(
    framed: Sequence[Framing], busts: Sequence[Framing], size: tuple[int, int]
) -> Framing:
    """What a picture of so many pixels shows of both, by what it would show of each; what that
    leaves free lies above and below, but not below what `busts` show."""
    aspect = size[1] / size[0]
    low = max(float(target[1]) - extent / 2 for target, extent in framed)
    end = max(float(target[1]) - extent / 2 for target, extent in busts)
    high = max(float(target[1]) + extent / 2 for target, extent in framed)
    wide = APART + 2 * BESIDE * max(extent for _, extent in framed)
    extent = max(high - low, wide * aspect)
    low = max(min(low, end), low - (extent - high + low) / 2)
    return torch.tensor([0.0, low + extent / 2, 0.0]), extent / max(1.0, NARROW * aspect)
