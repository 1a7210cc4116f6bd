"""The options of films, pages and exports of an avatar."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from avatar.avatar_io.options import SubjectOptions, Up
from avatar.behaviour.options import BehaviourOptions, SpeechOptions
from avatar.lighting.options import LightOptions, LightsOptions
from avatar.tracking.options import Sync
from avatar.trust.options import SignOptions
from avatar.video import Crop
from common.device import ComputeOptions


@dataclass(frozen=True)
class LookOptions(ComputeOptions, SignOptions, LightOptions, SubjectOptions):
    """How an avatar is filmed."""

    width: int = 512
    """Width of the picture in pixels, even."""
    height: int = 512
    """Height of the picture in pixels, even."""
    fps: float | None = None
    """Frames a second; by default 25, or what the weights were trained at."""
    camera: str = "front"
    """front, orbit (swings around the head), or a JSON file of keyframes (docs/verbs/drive.md)."""
    azimuth: float = 0.0
    """Degrees around the head for front and orbit; positive turns to the subject's left."""
    elevation: float = 0.0
    """Degrees above the height of the face for front and orbit."""
    crop: Crop = "portrait"
    """What front and orbit show, by what of the avatar is drawn: head and collar; the head from
    hair to chin; the bust down to its lower end, which is not seen; or a square of the head with
    room around it, whose sides are the smaller of --width and --height."""
    background: str = "#cccccf"
    """What is behind the head: a colour (#rrggbb or white, black, grey, green), a picture, a film,
    or transparent, which .webm, .mov and PNG frames can be."""
    light_background: bool = False
    """Whether the picture of --light, blurred, stands behind the head instead of --background."""
    label: str = ""
    """A small text that is burned into the pictures, such as AI-generated."""


@dataclass(frozen=True)
class _Filmed:
    """Avatar, sound and file of a film."""

    avatar: Path
    """The avatar: a .ply of ours, GaussianAvatars' point_cloud.ply with its flame_param.npz beside
    it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    audio: Path | None = None
    """The sound of the film: any audio or video file with sound."""
    out: Path | None = None
    """The video: .mp4, .webm, .mov (ProRes 4444), or a new folder for PNG frames; by default
    an .mp4 beside the audio."""


@dataclass(frozen=True)
class FilmOptions(LookOptions, _Filmed):
    """A film of an avatar."""


@dataclass(frozen=True)
class DriveOptions(SpeechOptions, BehaviourOptions, FilmOptions):
    """Make a talking-head video of an avatar from a voice recording or recorded face motion."""

    audio: Path | None = None
    """The voice: any audio or video file with sound; with --arkit it is only heard, with --film it
    moves the lips while the film moves the rest."""
    listen: Path | None = None
    """Another's voice, which is heard as well: the avatar looks at who speaks, nods and blinks, and
    its lips rest until its own voice begins. Without --audio it only listens."""
    film: Path | None = None
    """A film of a face, whose performance moves the avatar; its sound is heard."""
    sync: Sync = "auto"
    """Milliseconds by which the sound of --film is moved, later where more than 0, earlier where
    less; auto: as the lips indicate, where they do so clearly."""
    arkit: Path | None = None
    """Recorded face motion that moves the face instead of the voice: a Live Link Face .csv."""
    save_motion: Path | None = None
    """Also save the vertex motion to this .npz."""
    report: Path | None = None
    """Also save timings and memory to this .json."""


@dataclass(frozen=True)
class ReplayOptions(FilmOptions):
    """Make a video of an avatar that is moved by a capture's tracked meshes or by saved motion."""

    out: Path = field(kw_only=True)
    """The video: .mp4, .webm, .mov, or a new folder for PNG frames."""
    capture: Path | None = None
    """Move the avatar with the tracked meshes of this capture's folder."""
    split: Literal["train", "val", "test"] | None = None
    """Which frames of the capture; by default test, its held-out sequences."""
    sequence: str | None = None
    """Of these frames, only those of one sequence; by default all."""
    camera_id: str | None = None
    """Film with this camera of the capture, at its own size, instead of --camera."""
    motion: Path | None = None
    """Move the avatar with this .npz, as --save-motion of driving writes it, instead."""
    fps: float | None = None
    """Frames a second of a capture, by default 25; saved motion has its own."""


@dataclass(frozen=True)
class ViewOptions(
    SpeechOptions, BehaviourOptions, ComputeOptions, SignOptions, LightsOptions, SubjectOptions
):
    """Show an avatar in the browser: turn it, move its face, let it speak.

    The page is served to this machine until Ctrl-C, or written as one file that works from a disk.
    Nothing is loaded from anywhere.
    """

    avatar: Path
    """The subject: a .ply of Gaussians bound to a mesh, GaussianAvatars' .ply with its
    flame_param.npz beside it, or a coloured mesh of a head (.glb, .obj, .ply)."""
    audio: Path | None = None
    """The voice that it speaks with: any audio or video file with sound; with --motion or --arkit
    it is only heard."""
    motion: Path | None = None
    """Instead of a voice: motion that was saved with --save-motion of driving (.npz)."""
    arkit: Path | None = None
    """Instead of a voice: recorded face motion, a Live Link Face .csv."""
    export: Path | None = None
    """Write the page to this .html instead of serving it."""
    port: int = 0
    """Serve at this port of 127.0.0.1; 0 takes any that is free."""
    no_browser: bool = False
    """Only say where the page is; do not open the browser."""
    fps: float | None = None
    """Frames a second of the motion, between which the page goes smoothly; by default what the
    weights were trained at (25), with --arkit 25. Saved motion has its own."""


@dataclass(frozen=True)
class ExportOptions(
    SpeechOptions, BehaviourOptions, ComputeOptions, SignOptions, LightOptions, SubjectOptions
):
    """Write the motion of a voice, of a recorded take, or of saved motion for other programs, or
    an avatar's Gaussians.

    --out says what is written. A .csv holds ARKit weights and head angles as Live Link Face writes
    them. A .glb holds the mesh with morph targets, colours and a joint for the head, animated. A
    .npz holds the offsets of every vertex in every frame, as --save-motion of driving does; with
    --flame, and without --mesh and --avatar, it holds FLAME parameters as GaussianAvatars reads
    them.

    A .ply, .spz, .usdc or .usda holds the Gaussians of --avatar in world space: at rest, at one
    time (--at), or frame by frame in numbered files of a new folder (--out frames/face_%05d.ply).
    So does a .glb where nothing moves the avatar, or with --at or a number.
    --light puts a light into the colours of all these, for programs that know none.
    """

    out: Path
    """The file to write: .csv, .npz, .glb, .ply, .spz, .usdc, .usda."""
    mesh: Path | None = None
    """The head that shall move: any mesh (.glb, .obj, .ply), as it is and in its own space. Without
    --mesh and --avatar: the mesh of --motion, else anny-head, else for FLAME parameters FLAME's
    mean head."""
    avatar: Path | None = None
    """Instead of a mesh an avatar, as driving opens it: a scan gets its lips parted."""
    audio: Path | None = None
    """What moves it: a voice, any audio or video file with sound."""
    motion: Path | None = None
    """Instead of a voice: motion that was saved with --save-motion or by this command (.npz)."""
    arkit: Path | None = None
    """Instead of a voice: recorded face motion, a Live Link Face .csv."""
    fps: float | None = None
    """Frames a second; by default what the weights were trained at (25), with --arkit 25. Saved
    motion has its own."""
    texture: Path | None = field(default=None, kw_only=True)
    """A picture (.jpg, .png) to paint a mesh with that has texture coordinates: --avatar for
    Gaussians or a .glb, or --mesh for a .glb."""
    at: float | None = None
    """Of moving Gaussians only the frame at this time, in seconds."""
    sh_degree: int | None = None
    """Degree of the spherical harmonics of Gaussians, 0 to 3, by default the avatar's own. Some
    programs read only a .ply of degree 3 (62 properties)."""
    up: Up | None = None
    """The axis of a file of Gaussians that points up; by default what programs expect of its
    format: y in glTF, USD and .spz, else -y."""
    flame: Path | None = field(default=None, kw_only=True)
    """FLAME's own file (.pkl or .npz): for FLAME parameters, for GaussianAvatars' files and for
    weights trained on FLAME."""
