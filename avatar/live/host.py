"""From options to a server: the avatar, its speaker, its page and the access policy."""

import asyncio
import secrets
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from audio2mesh import load_model
from avatar.avatar_io.open_avatar import AvatarFiles, check_flame, open_avatar
from avatar.behaviour.emotion_timeline import EmotionTimeline, read_emotion
from avatar.behaviour.motion import Behaviour
from avatar.drive.direction import SHIPPED, behaviour_of, checked_manner, in_manner
from avatar.drive.plans import files_of
from avatar.drive.retarget import avatar_face, retarget_basis
from avatar.drive.view import page_of, title_of
from avatar.lighting.environment import Environment
from avatar.lighting.environment_files import read_lights
from avatar.live.access_policy import AccessPolicy, is_loopback
from avatar.live.options import ServeOptions, check_serve, read_token
from avatar.live.server import Calls, live_server
from avatar.live.session import Session
from avatar.live.speaker import Speaker
from avatar.live.workers import Workers
from avatar.page.build import Live, video_page
from avatar.rigging.avatar import Avatar
from common.errors import InputError
from common.threads import available_threads
from splat import pick_backend

SECRET = 18  # bytes of a token that is made here


@dataclass(frozen=True)
class ServePlan:
    """The avatar of a server and how it speaks."""

    files: AvatarFiles
    weights: Path | None
    weights_style: str | None
    manner: str
    emotions: EmotionTimeline
    behaviour: Behaviour | None  # None: still
    lights: Mapping[str, Environment]


def plan_serve(options: ServeOptions) -> ServePlan:
    """Check the options; refuses, in one sentence, what cannot work. Raises InputError,
    FileNotFoundError or OSError."""
    check_serve(options)
    check_flame(options.flame, options.avatar, options.weights)
    lights = read_lights(options.lights)
    emotions = read_emotion(options.emotion, options.intensity, spoken=True)
    behaviour = behaviour_of(options, lives=True, needed="a voice")
    files, style = files_of(options, options.avatar), options.weights_style
    manner = checked_manner(options)
    return ServePlan(files, options.weights, style, manner, emotions, behaviour, lights)


def load_speaker(options: ServeOptions) -> tuple[Avatar, Speaker]:
    """The avatar and how it speaks. Raises InputError, FileNotFoundError or OSError."""
    return _open_speaker(plan_serve(options))


def _open_speaker(plan: ServePlan) -> tuple[Avatar, Speaker]:
    avatar = open_avatar(*plan.files)
    face = avatar_face(plan.files.path, avatar)
    model = load_model(plan.weights)
    model.style_index(plan.weights_style)  # says at once which there are
    spoken = in_manner(model, plan.manner, avatar)
    model, behaviour = spoken.model, spoken.behaviour(plan.behaviour)
    basis = retarget_basis(model, face, plan.weights or SHIPPED, plan.files.flame).cpu()
    style, emotions = plan.weights_style, plan.emotions
    return avatar, Speaker(model, face, basis, behaviour, style, emotions)


def live_page(plan: ServePlan, avatar: Avatar, speaker: Speaker) -> bytes:
    """The page whose microphone the avatar speaks with."""
    live = Live(
        names=speaker.names,
        basis=speaker.directions(),
        mouth=len(speaker.mouth_names),
        rest=speaker.rest,
        fps=speaker.model.fps,
        latency=Session(speaker).latency,
    )
    return page_of(plan.files, avatar, speaker.face, live, plan.lights)


def access_policy(options: ServeOptions) -> AccessPolicy:
    """The access policy of the options."""
    token = read_token(options.token_file) if options.token_file else None
    if token is None and (options.origin or not is_loopback(options.host)):
        token = secrets.token_urlsafe(SECRET)
    return AccessPolicy(
        options.host, token, options.cert is not None, options.webrtc, options.origin
    )


def tls_of(options: ServeOptions) -> ssl.SSLContext | None:
    """The TLS context, if there is a certificate. Raises InputError for unusable files."""
    if options.cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.cert, options.key, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise InputError(
            f"{options.cert}, {options.key}: are no certificate and its key, as .pem without a "
            "password"
        ) from None
    return context


def calls_of(options: ServeOptions, speaker: Speaker) -> Calls | None:
    """How calls over WebRTC are answered, if they are."""
    if not options.webrtc:
        return None
    from avatar.live.video_call import answer_call  # noqa: PLC0415  needs the extra `webrtc`

    latency, fps = Session(speaker).latency, speaker.model.fps
    return Calls(
        video_page(title_of(options.avatar)), partial(answer_call, latency=latency, fps=fps)
    )


def _no_password() -> str:
    raise ValueError("a key with a password")


@dataclass(frozen=True)
class Hosted:
    """An avatar with which sessions can begin; its processes start with the first."""

    speaker: Speaker
    page: bytes
    workers: Workers


def open_hosted(plan: ServePlan, processes: int, draws: bool = False) -> Hosted:
    """The avatar of a plan; draws: its processes draw it, too. Raises InputError,
    FileNotFoundError or OSError."""
    avatar, speaker = _open_speaker(plan)
    page = live_page(plan, avatar, speaker)
    shown, drawing = (avatar, pick_backend("auto")) if draws else (None, None)
    return Hosted(speaker, page, Workers(speaker, processes, shown, drawing))


async def host(options: ServeOptions, tell: Callable[[str], None]) -> None:
    """Serve until cancelled; `tell` is called with the page's address when all is ready."""
    plan = plan_serve(options)
    policy, tls = access_policy(options), tls_of(options)
    hosted = open_hosted(plan, options.threads or available_threads(), options.webrtc)
    page, speaker, workers = hosted.page, hosted.speaker, hosted.workers
    calls = calls_of(options, speaker)
    server = live_server(
        page, speaker, workers, policy, options.port, options.sessions, tls, calls=calls
    )
    try:
        async with server as port:
            await workers.ready()
            tell(policy.address(port))
            await asyncio.Event().wait()
    finally:
        workers.stop()
