"""Options to a server: the avatar, its speaker, its page, its door."""

import asyncio
import secrets
import ssl
from collections.abc import Callable
from functools import partial

from audio2mesh import load_model
from avatar.drive.lighting import light_colours
from avatar.drive.performance import behaviour_of
from avatar.drive.retarget import avatar_face, carry_basis
from avatar.drive.view import framing_of, title_of
from avatar.face.emotion.presets import EMOTIONS
from avatar.face.emotion.timeline import parse_feelings
from avatar.files.open_avatar import open_avatar
from avatar.live.door import Door, is_here
from avatar.live.options import ServeOptions, check_serve, read_token
from avatar.live.server import Calls, live_server
from avatar.live.session import Session
from avatar.live.speaker import Speaker
from avatar.live.workers import Workers
from avatar.page.build import Live, build_page, video_page
from avatar.rig.avatar import Avatar
from common.errors import InputError
from common.threads import available_threads

SECRET = 18  # bytes of a token that is made here


def load_speaker(options: ServeOptions) -> tuple[Avatar, Speaker]:
    """The avatar and how it speaks. Raises InputError, FileNotFoundError or OSError."""
    avatar = open_avatar(options.avatar, options.flame, options.landmarks, options.texture)
    face = avatar_face(options.avatar, avatar)
    model = load_model(options.weights)
    model.style_index(options.weights_style)  # says at once which there are
    basis = carry_basis(model, face, options.weights or "the weights that ship", options.flame)
    feelings = parse_feelings(options.emotion, options.intensity) if options.emotion else ()
    behaviour, style = behaviour_of(options), options.weights_style
    return avatar, Speaker(model, face, basis.cpu(), behaviour, style, feelings, options.still)


def live_page(options: ServeOptions, avatar: Avatar, speaker: Speaker) -> bytes:
    """The page in which somebody speaks to see the avatar speak."""
    live = Live(
        names=speaker.names,
        basis=speaker.directions(),
        mouth=len(speaker.mouth_names),
        rest=speaker.rest,
        fps=speaker.model.fps,
        latency=Session(speaker).latency,
    )
    feelings = {name: emotion.units for name, emotion in EMOTIONS.items()}
    files = options.avatar, options.flame, options.landmarks, options.texture
    lights = light_colours(options.lights, speaker.face, *files)
    title, head, framing = title_of(options.avatar), speaker.face.head, framing_of(avatar)
    return build_page(title, avatar, head, framing, feelings, live, lights)


def door_of(options: ServeOptions) -> Door:
    """Who may come in."""
    token = read_token(options.token_file) if options.token_file else None
    if token is None and (options.origin or not is_here(options.host)):
        token = secrets.token_urlsafe(SECRET)
    return Door(options.host, token, options.cert is not None, options.webrtc, options.origin)


def tls_of(options: ServeOptions) -> ssl.SSLContext | None:
    """How https is spoken, if it is. Raises InputError for files that are none."""
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


async def host(options: ServeOptions, tell: Callable[[str], None]) -> None:
    """Serve until cancelled; `tell` is called with the page's address when all is ready."""
    check_serve(options)
    door, tls = door_of(options), tls_of(options)
    avatar, speaker = load_speaker(options)
    drawn = avatar if options.webrtc else None
    workers = Workers(speaker, options.threads or available_threads(), drawn)
    try:
        page = live_page(options, avatar, speaker)
        calls = calls_of(options, speaker)
        server = live_server(
            page, speaker, workers, door, options.port, options.sessions, tls, calls=calls
        )
        async with server as port:
            await workers.ready()
            tell(door.address(port))
            await asyncio.Event().wait()
    finally:
        workers.stop()
