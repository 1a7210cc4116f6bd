"""Speech motion on any mesh of a head, as a file that other programs can play."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audio2mesh import load_model, stream_audio, stream_offsets
from avatar.files.gltf import write_glb
from avatar.files.motion_file import motion_writer
from avatar.heads import load_head
from avatar.mesh import Mesh
from avatar.mesh.mesh_file import read_mesh
from avatar.transfer.backward import transfer_from
from avatar.transfer.cache import registered
from avatar.transfer.landmarks import read_landmarks
from avatar.transfer.operator import Transfer, transfer_to
from common.errors import InputError

HUB = "anny-head"
SUFFIXES = (".npz", ".glb")
BASIS_FRAMES = 300  # frames that tell which directions a motion has
DIRECTIONS = 48  # at most
LEFT_OUT = 1e-4  # of the motion's energy may be left out of a .glb


@dataclass(frozen=True)
class TransferOptions:
    """Carry speech motion over to any mesh of a head."""

    mesh: Path
    """The head that shall talk: .glb, .obj or .ply, upright (+y up) unless landmarks are given."""
    out: Path
    """The animated mesh: .npz (offsets of every frame) or .glb (morph targets and an animation)."""
    motion: Path | None = None
    """Motion that scripts/drive.py --save-motion wrote (.npz); give this or --audio."""
    audio: Path | None = None
    """A voice, any file with sound; give this or --motion."""
    landmarks: Path | None = None
    """Landmarks of the mesh (.json), where the face is not found by itself."""
    weights: Path | None = None
    """Speech-to-motion weights for --audio (.safetensors); by default those that ship."""


@dataclass(frozen=True)
class Clip:
    """Motion of a topology."""

    offsets: Tensor  # [F, V, 3]
    fps: float
    topology: str
    source: Mesh | None  # the mesh that moves; None for anny-head


@dataclass(frozen=True)
class Transferred:
    """What was written."""

    frames: int
    fps: float
    vertices: int
    residual_mm: float


def transfer_motion(options: TransferOptions) -> Transferred:
    """Fit anny-head to the mesh, carry the motion over, write it.

    Raises FileNotFoundError, OSError or InputError with one sentence; nothing half-written is left.
    """
    _check(options)
    landmarks = read_landmarks(options.landmarks) if options.landmarks else None
    mesh = read_mesh(options.mesh).mesh
    clip = _clip_of(options)
    try:
        registration = registered(mesh, landmarks)
    except ValueError as error:
        raise InputError(f"{options.mesh}: {error}") from error
    transfer = transfer_to(load_head(), mesh, registration.fitted)
    write = _write_npz if options.out.suffix == ".npz" else _write_glb
    write(options.out, mesh, clip, transfer)
    size = (len(clip.offsets), clip.fps, len(mesh.vertices))
    return Transferred(*size, registration.residual_mm)


def _check(options: TransferOptions) -> None:
    if (options.motion is None) == (options.audio is None):
        raise InputError("give either --motion or --audio, to say what shall be carried over")
    if options.out.suffix not in SUFFIXES:
        raise InputError(f"{options.out}: the animated mesh must be one of {', '.join(SUFFIXES)}")
    if not options.out.resolve().parent.is_dir():
        raise FileNotFoundError(f"{options.out}: there is no such folder; make it first")


def _clip_of(options: TransferOptions) -> Clip:
    """The motion as motion of anny-head."""
    if options.motion:
        clip = read_motion(options.motion)
    else:
        assert options.audio is not None
        model = load_model(options.weights, torch.device("cpu"))
        offsets = torch.cat(list(stream_offsets(model, stream_audio(options.audio))))
        clip = Clip(offsets.cpu(), float(model.fps), model.topology, None)
    if clip.topology == HUB and clip.offsets.shape[1] == len(load_head().vertices):
        return clip
    if clip.source is None:
        raise InputError(
            f"{options.weights} move topology {clip.topology}, and only those of {HUB} say what "
            "mesh they move; save the motion with scripts/drive.py --save-motion and give it with "
            "--motion"
        )
    fitted = registered(clip.source).fitted
    back = transfer_from(load_head(), clip.source, fitted)
    return Clip(back.offsets(clip.offsets), clip.fps, HUB, None)


def read_motion(path: Path) -> Clip:
    """Motion as scripts/drive.py saves it. Raises FileNotFoundError or InputError."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such motion file")
    try:
        with np.load(path, allow_pickle=False) as data:
            offsets, rest, faces = (data[key] for key in ("offsets", "rest", "faces"))
            fps, topology = float(data["fps"]), str(data["topology"])
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no motion file ({error}); write one with scripts/drive.py --save-motion"
        ) from error
    fits = offsets.ndim == 3 and offsets.shape[1:] == rest.shape and len(offsets) > 0
    if not fits or not np.isfinite(offsets).all() or not fps > 0:
        raise InputError(f"{path}: its offsets {offsets.shape} do not fit its mesh {rest.shape}")
    mesh = Mesh(torch.from_numpy(rest).float(), torch.from_numpy(faces).long())
    return Clip(torch.from_numpy(offsets).float(), fps, topology, mesh)


def _write_npz(path: Path, mesh: Mesh, clip: Clip, transfer: Transfer) -> None:
    """offsets [F, V, 3] in the mesh's own unit, rest, faces, fps, topology."""
    arrays = {
        "rest": mesh.vertices.numpy(),
        "faces": mesh.faces.numpy(),
        "fps": np.array(clip.fps),
        "topology": np.array("mesh"),
    }
    with motion_writer(path, len(clip.offsets), len(mesh.vertices), arrays) as append:
        for offsets in clip.offsets:
            append(transfer.offsets(offsets).float().numpy())


def _write_glb(path: Path, mesh: Mesh, clip: Clip, transfer: Transfer) -> None:
    directions, weights = directions_of(clip.offsets)
    targets = transfer.offsets(directions).numpy()
    names = tuple(f"speech_{k:02d}" for k in range(len(targets)))
    write_glb(
        path, mesh.vertices.numpy(), mesh.faces.numpy(), targets, weights.numpy(), clip.fps, names
    )


def directions_of(offsets: Tensor) -> tuple[Tensor, Tensor]:
    """Directions [K, S, 3] and weights [F, K] whose product is a motion [F, S, 3], but for
    LEFT_OUT of its energy; weights lie within [-1, 1]."""
    frames = offsets.flatten(1).double()
    step = -(-len(frames) // BASIS_FRAMES)
    some = frames[::step]
    energies, mix = torch.linalg.eigh(some @ some.T)
    energies, mix = energies.flip(0).clamp(min=0), mix.flip(1)
    kept = int((energies.cumsum(0) < (1 - LEFT_OUT) * energies.sum()).sum()) + 1
    kept = min(kept, DIRECTIONS, len(some))
    basis = torch.linalg.qr((mix[:, :kept].T @ some).T).Q  # [3 S, K]
    weights = frames @ basis
    reach = weights.abs().amax(0).clamp(min=1e-12)
    directions = (basis * reach).T.reshape(kept, *offsets.shape[1:])
    return directions.to(offsets.dtype), (weights / reach).to(offsets.dtype)
