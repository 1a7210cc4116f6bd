"""Motion for other programs: ARKit weights in a Live Link Face .csv, FLAME parameters as .npz."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, assert_never

from torch import Tensor

from audio2mesh import load_model
from avatar.arkit import head_angles, write_take
from avatar.arkit.fit import fit_weights
from avatar.drive.performance import offset_chunks, speech_performance
from avatar.drive.retarget import carrier, carry_basis
from avatar.files.motion_file import motion_chunks, open_motion
from avatar.film.output import exact_rate
from avatar.flame import load_flame
from avatar.flame.fit_motion import fit_flame, write_flame_motion
from avatar.flame.indices import VERTICES
from avatar.heads.topologies import SIZES
from avatar.mesh import Mesh
from avatar.mesh.misfit import Misfit
from avatar.transfer.fitted_face import Face, face_of, shipped_face
from common.errors import InputError
from common.progress import progress_bar
from common.writable import check_writable

Form = Literal["arkit", "flame"]


@dataclass(frozen=True)
class ExportOptions:
    """Write the motion of a voice, or motion that driving saved, in other programs' terms."""

    out: Path
    """Where to: .csv for ARKit weights as Live Link Face writes them, .npz for FLAME parameters as
    GaussianAvatars reads them."""
    audio: Path | None = None
    """The voice: any audio or video file with sound."""
    motion: Path | None = None
    """Motion that driving saved with --save-motion (.npz), instead of a voice."""
    weights: Path | None = None
    """Speech-to-motion weights (.safetensors); by default those that ship."""
    flame: Path | None = None
    """FLAME's own file (.pkl or .npz): for .npz, and for weights trained on FLAME."""
    fps: float | None = None
    """Frames a second of a voice's motion; by default what the weights were trained at (25)."""
    still: bool = False
    """No blinks and no head motion besides a voice's speech."""
    seed: int = 0
    """Seed of blinks and head motion."""


@dataclass(frozen=True)
class Motion:
    """Offsets of a face's mesh over time."""

    face: Face
    chunks: Callable[[], Iterator[Tensor]]  # [f, V, 3] metres
    head_pose: Tensor  # [F, 4, 4]
    fps: float


@dataclass(frozen=True)
class Exported:
    """What was written and how well it says what was meant."""

    frames: int
    fps: float
    misfit: Misfit


def export_motion(options: ExportOptions) -> Exported:
    """Write the file. Raises InputError, FileNotFoundError or OSError with one sentence."""
    match check_export(options):
        case "arkit":
            motion = _saved(options.motion) if options.motion else _spoken(options, shipped_face())
            weights, misfit = fit_weights(motion.face.head, _told(motion))
            head = head_angles(motion.head_pose)
            write_take(options.out, weights.numpy(), head.numpy(), motion.fps)
        case "flame":
            assert options.flame
            flame = load_flame(options.flame)
            mean = face_of(Mesh(flame.template, flame.faces), flame.topology)
            saved = options.motion and _on_flame(_saved(options.motion), mean)
            motion = saved or _spoken(options, mean)
            lips = mean.head.regions["lips"]
            found, misfit = fit_flame(flame, motion.face.mesh.vertices, _told(motion), lips)
            write_flame_motion(options.out, found, motion.head_pose)
        case form:
            assert_never(form)
    return Exported(len(motion.head_pose), motion.fps, misfit)


def check_export(options: ExportOptions) -> Form:
    """What to write; raises InputError, FileNotFoundError or OSError for what cannot work."""
    given = [path for path in (options.audio, options.motion) if path]
    if len(given) != 1:
        raise InputError("give either a voice with --audio or saved motion with --motion")
    for path in (*given, options.weights, options.flame):
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file; check the path")
        if path is not None and path.resolve() == options.out.resolve():
            raise InputError(f"{path}: is named twice, as input and output; choose another --out")
    check_writable(options.out)
    match options.out.suffix.lower():
        case ".csv":
            return "arkit"
        case ".npz":
            if options.flame is None:
                raise InputError(f"{options.out}: FLAME parameters need FLAME's file; give --flame")
            return "flame"
        case suffix:
            raise InputError(
                f"{options.out}: cannot write {suffix or 'a file without a suffix'}; use .csv for "
                "ARKit weights or .npz for FLAME parameters"
            )


def _told(motion: Motion) -> Iterator[Tensor]:
    """The offsets, with a progress bar."""
    with progress_bar("solving", len(motion.head_pose)) as done:
        for chunk in motion.chunks():
            yield chunk
            for _ in chunk:
                done()


def _saved(path: Path) -> Motion:
    saved = open_motion(path)
    face = face_of(saved.mesh, saved.topology)
    return Motion(face, lambda: motion_chunks(saved), saved.head_pose, saved.fps)


def _spoken(options: ExportOptions, face: Face) -> Motion:
    """What driving a face would do with the same voice."""
    assert options.audio
    model = load_model(options.weights)
    basis = carry_basis(model, face, options.weights or "the weights that ship", options.flame)
    fps = float(exact_rate(options.fps or model.fps))
    seed = None if options.still else options.seed
    performance = speech_performance(face.head, model, basis, options.audio, fps, seed)
    return Motion(face, lambda: offset_chunks(performance), performance.head_pose, fps)


def _on_flame(motion: Motion, mean: Face) -> Motion:
    """Motion of any mesh as that of FLAME's vertices: of a subject's own, else of the mean head."""
    if motion.face.head.topology in SIZES:
        own = motion.face.mesh
        rest = Mesh(own.vertices[:VERTICES], mean.mesh.faces)
        face = replace(motion.face, mesh=rest)
        return replace(motion, face=face, chunks=lambda: (c[:, :VERTICES] for c in motion.chunks()))
    carry = carrier(motion.face, mean)
    return replace(motion, face=mean, chunks=lambda: map(carry, motion.chunks()))
