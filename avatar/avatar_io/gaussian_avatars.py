"""GaussianAvatars' files: point_cloud.ply, with the person's FLAME parameters beside it.

point_cloud.ply has 63 float properties, binding_0 the last of them. flame_param.npz holds shape and
static_offset, from which the rest mesh follows with the user's FLAME file, and a tracked motion,
which is no part of an avatar. Folders written here also have canonical_mesh.npz: the rest mesh as
it is, so that reading back needs no FLAME and loses nothing, for heads that are not FLAME's too.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.avatar_io.avatar_file import read_bound
from avatar.avatar_io.motion_file import optional_floats
from avatar.heads.flame_model import (
    FACES,
    SHAPES,
    TEETH_FACES,
    VERTICES,
    FlameParameters,
    load_flame,
    shaped,
)
from avatar.heads.flame_parameters import (
    read_flame_parameters,
    still,
    with_vertices,
    write_flame_parameters,
)
from avatar.heads.flame_regions import add_teeth
from avatar.heads.head import SIZES
from avatar.rigging.avatar import Avatar, check_mesh
from common.arrays import Arrays, pick, pick_faces, pick_floats, read_arrays, write_arrays
from common.errors import InputError
from splat import RawGaussians, SplatPly, write_ply

POINTS, PARAMETERS, MESH = "point_cloud.ply", "flame_param.npz", "canonical_mesh.npz"
CANONICAL_PARAMETERS = "canonical_flame_param.npz"
COEFFICIENTS = 16  # of spherical harmonics of degree 3, the only degree of these files


def read_gaussian_avatar(path: Path, flame: Path | None = None) -> Avatar:
    """An avatar from point_cloud.ply, or from the folder that holds it.

    flame: the user's FLAME file; not needed where canonical_mesh.npz is beside the .ply. The rest
    mesh is FLAME of the person's shape with the static offset, mouth shut.
    Raises FileNotFoundError or InputError: what is missing or broken, and what to do.
    """
    path = path / POINTS if path.is_dir() else path
    ply, binding = read_bound(path)
    if (path.parent / MESH).is_file():
        return _with_mesh(path, ply.gaussians, binding)
    return _with_flame(path, ply.gaussians, binding, flame)


def write_gaussian_avatar(
    folder: Path, avatar: Avatar, flame: Path | None = None, motion: FlameParameters | None = None
) -> None:
    """Write an avatar as a folder in GaussianAvatars' layout.

    flame: the user's FLAME file, needed only for a FLAME avatar that does not hold its shape and
    offset itself; motion: what goes into flame_param.npz beside them, else a head that holds still.
    Raises InputError where FLAME is needed and not given, OSError.
    """
    parameters = None
    if avatar.topology in SIZES:
        shape, offset = _identity(avatar, flame)
        moving = still(shape, offset) if motion is None else motion
        parameters = with_vertices(
            replace(moving, shape=shape, static_offset=offset), len(avatar.vertices)
        )
    folder.mkdir(parents=True, exist_ok=True)
    missing = COEFFICIENTS - avatar.gaussians.sh.shape[1]
    sh = torch.nn.functional.pad(avatar.gaussians.sh, (0, 0, 0, missing))
    gaussians = replace(avatar.gaussians, sh=sh)
    write_ply(folder / POINTS, SplatPly(gaussians, avatar.binding.float()))
    _write_mesh(folder / MESH, avatar)
    if parameters is not None:
        write_flame_parameters(folder / PARAMETERS, parameters, len(avatar.vertices))


def _with_flame(path: Path, gaussians: RawGaussians, binding: Tensor, flame: Path | None) -> Avatar:
    parameters_file = _parameters_file(path)
    parameters = read_flame_parameters(parameters_file)
    if flame is None:
        raise InputError(
            f"{path} was trained on FLAME, whose model may not be shipped: register at "
            "flame.is.tue.mpg.de and name your generic_model.pkl or flame2023.pkl with --flame"
        )
    highest = int(binding.max())
    if highest >= FACES + TEETH_FACES:
        raise InputError(
            f"{path}: binding_0 names triangle {highest}, but FLAME with teeth has "
            f"{FACES + TEETH_FACES}; it was not trained on FLAME, so it needs its own {MESH}"
        )
    offset = parameters.static_offset
    teeth = highest >= FACES or (offset is not None and len(offset) > VERTICES)
    model = load_flame(flame)
    model = add_teeth(model) if teeth else model
    parameters = with_vertices(parameters, len(model.template))
    offset = parameters.static_offset
    offset = torch.zeros_like(model.template) if offset is None else offset
    rest = shaped(model, parameters.shape) + offset
    return Avatar(
        *(gaussians, binding, rest, model.faces, model.topology),
        flame_shape=parameters.shape,
        flame_offset=offset,
    )


def _parameters_file(path: Path) -> Path:
    names = (PARAMETERS, CANONICAL_PARAMETERS)
    found = next((path.parent / name for name in names if (path.parent / name).is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"{path.parent / PARAMETERS}: there is no such file; GaussianAvatars writes it beside "
            f"{path.name}, copy it from there (or the capture's {CANONICAL_PARAMETERS})"
        )
    return found


def _with_mesh(path: Path, gaussians: RawGaussians, binding: Tensor) -> Avatar:
    """What `write_gaussian_avatar` wrote."""
    beside = path.parent / MESH
    arrays = read_arrays(beside)
    vertices = torch.from_numpy(pick_floats(beside, arrays, "rest", (3,)))
    faces = torch.from_numpy(pick_faces(beside, arrays, len(vertices)))
    topology = str(pick(beside, arrays, "topology"))
    check_mesh(beside, topology, vertices, faces)
    if int(binding.max()) >= len(faces):
        raise InputError(
            f"{path}: binding_0 names triangle {int(binding.max())}, but the mesh of {beside} has "
            f"{len(faces)}; keep the two files of one avatar together"
        )
    origin, consent = provenance_in(arrays)
    count = int(arrays["coefficients"]) if "coefficients" in arrays else COEFFICIENTS
    return Avatar(
        *(replace(gaussians, sh=_cut(gaussians.sh, count)), binding, vertices, faces, topology),
        template=optional_floats(beside, arrays, "template", (3,)),
        flame_shape=optional_floats(beside, arrays, "flame_shape"),
        flame_offset=optional_floats(beside, arrays, "flame_offset", (3,)),
        origin=origin,
        consent=consent,
    )


def provenance_in(arrays: Arrays) -> tuple[str, str]:
    """Origin and consent in canonical_mesh.npz; empty where it does not say."""
    return str(arrays.get("origin", "")), str(arrays.get("consent", ""))


def _write_mesh(path: Path, avatar: Avatar) -> None:
    tensors = {
        "faces": avatar.faces.int(),
        "rest": avatar.vertices,
        "template": avatar.template,
        "flame_shape": avatar.flame_shape,
        "flame_offset": avatar.flame_offset,
    }
    words = {"topology": avatar.topology, "origin": avatar.origin, "consent": avatar.consent}
    arrays = {name: np.array(said) for name, said in words.items()}
    arrays["coefficients"] = np.array(avatar.gaussians.sh.shape[1])
    write_arrays(path, arrays | {n: t.cpu().numpy() for n, t in tensors.items() if t is not None})


def _identity(avatar: Avatar, flame: Path | None) -> tuple[Tensor, Tensor]:
    """Shape [300] and static offset [V, 3]: the avatar's own, else all of it as an offset."""
    if avatar.flame_shape is not None and avatar.flame_offset is not None:
        return avatar.flame_shape, avatar.flame_offset
    if flame is None:
        raise InputError(
            "the avatar does not hold its FLAME parameters, so they follow from FLAME itself: name "
            "your generic_model.pkl or flame2023.pkl with --flame"
        )
    model = load_flame(flame)
    model = add_teeth(model) if len(avatar.vertices) > VERTICES else model
    return torch.zeros(SHAPES), avatar.vertices - model.template


def _cut(sh: Tensor, count: int) -> Tensor:
    """[N, count, 3] where only zeros are cut off, else all of it."""
    return sh[:, :count] if count in (1, 4, 9) and not sh[:, count:].any() else sh
