"""The options of the server, and their limits."""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from avatar.avatar_io.options import SubjectOptions
from avatar.behaviour.options import LifeOptions, SpeechOptions
from avatar.lighting.options import LightsOptions
from common.errors import InputError

SHORTEST = 16  # letters of a token
ORIGIN = re.compile(r"(http(?!.*:80$)|https(?!.*:443$))://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
"""As browsers send it (RFC 6454, 6.2)."""


@dataclass(frozen=True, kw_only=True)
class ServeOptions(SpeechOptions, LifeOptions, LightsOptions, SubjectOptions):
    """Let an avatar speak while somebody still speaks: into a page's microphone, or by a program.

    The page and its sessions are served until Ctrl-C, to this machine alone unless --host says
    otherwise. What other programs send and get is in docs/verbs/serve.md.
    """

    avatar: Path
    """The subject: a .ply of Gaussians bound to a mesh, GaussianAvatars' .ply with its
    flame_param.npz beside it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    host: str = "127.0.0.1"
    """The address to listen at: by default this machine's own, which no other reaches; 0.0.0.0 for
    all. Any but this machine's own asks everybody for a token."""
    port: int = 8000
    """The port to listen at; 0 takes any that is free."""
    token_file: Path | None = None
    """A file with the token that all must know, in its first line, of at least 16 letters; by
    default a new one is made and printed where --host or --origin ask for one."""
    origin: tuple[str, ...] = ()
    """Where a proxy that stands before this server shows the page, such as https://voice.example;
    pages from there may connect too, and everybody is asked for a token."""
    cert: Path | None = None
    """The certificate (.pem) with which https is spoken; browsers give a microphone to no other
    page that comes from another machine."""
    key: Path | None = None
    """The certificate's private key (.pem)."""
    sessions: int = 10
    """How many may speak at once; others are refused with a sentence."""
    webrtc: bool = False
    """Answer calls over WebRTC as well: a microphone's sound comes, and goes back with pictures
    that are drawn here. The page of it is at /video; needs the extra webrtc."""
    no_browser: bool = False
    """Only say where the page is; do not open the browser."""
    threads: int | None = None
    """Processes that compute, one thread each, at most one for each processor; by default as many
    as the processors, or the CPU quota of a container, allow."""


def check_serve(options: ServeOptions) -> None:
    """Refuse, in one sentence, what cannot work, before anything is loaded.

    Raises InputError or FileNotFoundError.
    """
    read = (options.avatar, options.weights, options.landmarks, options.texture, options.flame)
    for path in (*read, options.token_file, options.cert, options.key):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
    if (options.cert is None) != (options.key is None):
        raise InputError("--cert and --key: belong together; give both or neither")
    for said in options.origin:
        if not ORIGIN.fullmatch(said):
            raise InputError(
                f"--origin {said}: must be as browsers say it, such as https://voice.example"
            )
    if not 0 <= options.port <= 65535:
        raise InputError(f"--port {options.port}: must be from 0 to 65535")
    if options.sessions < 1:
        raise InputError(f"--sessions {options.sessions}: must be at least 1")
    if options.webrtc and find_spec("aiortc") is None:
        raise InputError("--webrtc: its library is needed; pip install 'voicesplat[webrtc]'")


def read_token(path: Path) -> str:
    """The token in a file. Raises InputError where it is too short, or has what no address has."""
    with path.open(encoding="utf-8", errors="replace") as file:
        token = file.readline(1024).strip()
    if len(token) < SHORTEST:
        raise InputError(f"{path}: its first line must be a token of at least {SHORTEST} letters")
    if not all(letter.isascii() and (letter.isalnum() or letter in "-_.~") for letter in token):
        raise InputError(f"{path}: a token is made of letters, digits, and - _ . ~ alone")
    return token
