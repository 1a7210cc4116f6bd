"""Motion retargeted from one mesh to another: the basis of weights, and saved motion."""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from audio2mesh import SpeechToMotion
from avatar.avatar_io.motion_file import SavedMotion, motion_chunks
from avatar.drive.motion import DrivenMotion
from avatar.geometry.similarity import IDENTITY, fit_similarity
from avatar.geometry.triangle_mesh import Mesh
from avatar.heads import Head, load_head
from avatar.heads.flame_model import VERTICES as FLAME_VERTICES
from avatar.heads.flame_model import load_flame
from avatar.heads.flame_regions import LOWER_TEETH
from avatar.heads.head import ANY_MESH, FLAME, FLAME_TEETH
from avatar.retarget.fitted_face import Face, face_of, shipped_face
from avatar.rigging.avatar import Avatar
from common.errors import InputError, naming


def retarget_basis(
    model: SpeechToMotion, face: Face, weights: Path | str, flame: Path | None
) -> Tensor:
    """The model's basis [K, V, 3] on the face's mesh; one line on stderr where it is another's.

    weights: what to call the model in a sentence; flame: FLAME's file, whose mesh weights of that
    topology belong to. Raises InputError, or FileNotFoundError for the file.
    """
    basis, size = model.basis.cpu(), len(face.mesh.vertices)
    if (model.topology, model.vertex_count) == (face.head.topology, size):
        return basis
    transferred = _transferred(model, basis, face, weights, flame)
    within = "" if face.residual_mm is None else f", fitted to {face.residual_mm:.2f} mm"
    print(f"motion: retargeted from {model.topology} to {face.name}{within}", file=sys.stderr)
    return transferred


def _transferred(
    model: SpeechToMotion, basis: Tensor, face: Face, weights: Path | str, flame: Path | None
) -> Tensor:
    """The basis on a mesh of another topology."""
    named = f"{weights} move {model.topology} ({model.vertex_count} vertices)"
    match model.topology, model.vertex_count:
        case "flame", 5023 if face.head.topology == FLAME_TEETH:
            return with_teeth(basis, face.head)
        case "flame", 5023:
            if flame is None:
                raise InputError(
                    f"{named}, and to retarget that to {face.name} FLAME's own mesh is needed; "
                    "give FLAME's file with --flame"
                )
            mean = load_flame(flame)
            source = face_of(Mesh(mean.template, mean.faces), FLAME)
            return mesh_transfer(source, face)(basis)
        case "anny-head", 5000:
            return mesh_transfer(shipped_face(), face)(basis)
        case _:
            raise InputError(
                f"{named}, which cannot be retargeted to the avatar's topology, {face.name}; use "
                "weights of anny-head, of FLAME or of the avatar's own topology"
            )


def mesh_transfer(source: Face, target: Face) -> Callable[[Tensor], Tensor]:
    """A function from offsets [B, S, 3] of one mesh to offsets [B, V, 3] of another, linear, by way
    of anny-head; FLAME's own vertices keep their motion."""
    match source.head.topology, target.head.topology:
        case "flame", "flame-teeth":
            return lambda offsets: with_teeth(offsets, target.head)
        case "flame-teeth", "flame":
            return lambda offsets: offsets[:, :FLAME_VERTICES]
    from avatar.retarget.backward import transfer_from  # noqa: PLC0415  takes a second to import

    steps = []
    if source.fitted is not None:
        steps.append(transfer_from(load_head(), source.mesh, source.fitted))
    if target.transfer is not None:
        steps.append(target.transfer)

    def transfer(offsets: Tensor) -> Tensor:
        for step in steps:
            offsets = step.offsets(offsets)
        return offsets

    return transfer


def retargeted(motion: SavedMotion, face: Face | None) -> DrivenMotion:
    """Saved motion as that of a face, or of its own; one line on stderr where it is another's.

    Raises InputError where anny-head cannot be fitted to the mesh of the file.
    """
    if (
        face is not None
        and motion.topology == face.head.topology
        and torch.equal(motion.mesh.faces, face.mesh.faces)
    ):
        return _aligned(motion, face)
    with naming(motion.path):
        source = face_of(motion.mesh, motion.topology, motion.template)
    if face is None:
        return DrivenMotion(source, lambda: motion_chunks(motion), motion.head_pose, motion.fps)
    transfer = mesh_transfer(source, face)
    poses = face.to_head.inverse().of_motions(source.to_head.of_motions(motion.head_pose))
    print(f"motion: retargeted from {source.name} to {face.name}", file=sys.stderr)
    return DrivenMotion(face, lambda: map(transfer, motion_chunks(motion)), poses, motion.fps)


def _aligned(motion: SavedMotion, face: Face) -> DrivenMotion:
    """Motion on a mesh of the same triangles; one of no known topology may have another pose and
    unit."""
    source, target = motion.mesh.vertices, face.mesh.vertices
    similarity = IDENTITY
    if motion.topology == ANY_MESH and not torch.equal(source, target):
        similarity = fit_similarity(source.double().numpy(), target.double().numpy())
    turn = torch.from_numpy(similarity.scale * similarity.rotation.T).float()
    chunks = lambda: (chunk @ turn for chunk in motion_chunks(motion))  # noqa: E731
    return DrivenMotion(face, chunks, similarity.of_motions(motion.head_pose), motion.fps)


def avatar_face(path: Path, avatar: Avatar, saved: SavedMotion | None = None) -> Face:
    """The mesh of an avatar, ready to move; saved motion of this very mesh holds the fit of
    anny-head. Raises InputError that names the avatar's file."""
    mesh, template = Mesh(avatar.vertices, avatar.faces), avatar.template
    if template is None and saved is not None and torch.equal(saved.mesh.vertices, mesh.vertices):
        template = saved.template
    with naming(path):
        return face_of(mesh, avatar.topology, template)


def with_teeth(basis: Tensor, head: Head) -> Tensor:
    """Offsets [K, 5023, 3] of FLAME with those of GaussianAvatars' teeth, [K, 5143, 3].

    The upper teeth stay with the head. The lower ones move with the jaw: by the small rigid motion
    that best fits the offsets of the skin on the jaw.
    """
    teeth = basis.new_zeros(len(basis), len(head.vertices) - FLAME_VERTICES, 3)
    weights = _on_the_jaw(head)
    rows = _small_motions(head.vertices[weights.nonzero().squeeze(1)]).flatten(0, 1)  # [3 n, 6]
    strength = weights[weights > 0].repeat_interleave(3)[:, None]
    offsets = basis[:, weights.nonzero().squeeze(1)].flatten(1).T  # [3 n, K]
    motions = torch.linalg.lstsq((rows * strength).double(), (offsets * strength).double()).solution
    lower = torch.tensor(LOWER_TEETH)
    moved = _small_motions(head.vertices[lower]).double() @ motions  # [60, 3, K]
    teeth[:, lower - FLAME_VERTICES] = moved.permute(2, 0, 1).to(basis)
    return torch.cat([basis, teeth], dim=1)


def _on_the_jaw(head: Head) -> Tensor:
    """[V] weight of a vertex on the jaw: how rigidly it follows the lower teeth when the jaw opens;
    0 for lips and teeth themselves."""
    opened = head.unit("jawOpen")
    rows = _small_motions(head.vertices)
    lower = torch.tensor(LOWER_TEETH)
    rigid = torch.linalg.lstsq(rows[lower].flatten(0, 1), opened[lower].flatten()[:, None]).solution
    expected = (rows @ rigid)[..., 0]  # [V, 3] of something fixed to the teeth
    apart = (opened - expected).norm(dim=1) / expected.norm(dim=1).clamp(min=1e-6)
    weights = (1 - apart / 0.3).clamp(min=0)
    weights[torch.cat([head.regions["lips"], head.regions["teeth"]])] = 0
    return weights


def _small_motions(points: Tensor) -> Tensor:
    """Offsets [n, 3, 6] of points [n, 3] by unit shifts along, and unit turns about, x, y and z."""
    x, y, z = points.unbind(1)
    o, i = torch.zeros_like(x), torch.ones_like(x)
    rows = ((i, o, o, o, z, -y), (o, i, o, -z, o, x), (o, o, i, y, -x, o))
    return torch.stack([torch.stack(row, 1) for row in rows], 1)
