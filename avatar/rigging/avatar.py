"""An avatar: Gaussians bound to the triangles of a rest mesh; and the pose of a head's mesh."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from avatar.heads import Head
from avatar.heads.head import ANY_MESH, SHIPPED, SIZES, TOPOLOGIES, load_head
from avatar.rigging.blendshapes import Blendshapes
from common.errors import InputError
from splat import RawGaussians


@dataclass(frozen=True)
class Avatar:
    """A subject: Gaussians in the frames of the triangles of a rest mesh."""

    gaussians: RawGaussians  # [N] local to their triangles, sizes relative to the triangle's
    binding: Tensor  # [N] int64 triangle indices
    vertices: Tensor  # [V, 3] rest mesh, metres, head space
    faces: Tensor  # [M, 3] int64
    topology: str  # one of TOPOLOGIES
    template: Tensor | None = None  # [S, 3] anny-head's vertices fitted to the rest mesh
    flame_shape: Tensor | None = None  # [300] of FLAME's topologies, where it is known
    flame_offset: Tensor | None = None  # [V, 3] metres from FLAME of that shape to the rest mesh
    origin: str = ""  # the real person's picture it was made from, by what and when; one line
    unlit: bool = False  # its colours are albedo, as textures are; else they hold light
    manner: Tensor | None = None  # [B] uint8, how the person speaks: audio2mesh.model.manner
    consent: str = ""  # who agreed, to what, until when; one line
    blendshapes: Blendshapes | None = None  # how Gaussians change with the expression

    @property
    def provenance(self) -> str:
        """What films of it say: nothing, unless it was made of a real person's pictures, or says
        who agreed."""
        made = f"synthetic: an avatar made from {self.origin}" if self.origin else ""
        agreed = f"consent: {self.consent}" if self.consent else ""
        return "; ".join(filter(None, (made, agreed)))

    @property
    def framed(self) -> Tensor:
        """The vertices [*, 3] that a picture is framed by: of a scan only what is head."""
        return self.vertices if self.template is None else self.template


def check_mesh(path: Path, topology: str, vertices: Tensor, faces: Tensor) -> None:
    """Raise InputError where a file's mesh [V, 3], [M, 3] is not of the topology that it names."""
    if topology not in TOPOLOGIES:
        known = ", ".join(TOPOLOGIES)
        raise InputError(f"{path}: no head topology is called {topology!r}; known: {known}")
    if topology == ANY_MESH:
        return
    head = load_head(topology) if topology in SHIPPED else None
    size = (len(head.vertices), len(head.faces)) if head else SIZES[topology]
    if (len(vertices), len(faces)) != size:
        raise InputError(
            f"{path} says topology {topology}, which has {size[0]} vertices and {size[1]} "
            f"triangles, but its mesh has {len(vertices)} and {len(faces)}; save it with the right "
            "topology"
        )
    if head is not None and not torch.equal(faces, head.faces):
        raise InputError(
            f"{path}: the face list of its mesh is not that of topology {topology}, so motion "
            "would tear it; save it with the topology's own faces"
        )


def check_template(path: Path, template: Tensor | None) -> None:
    """Raise InputError where a file's fitted template is not of anny-head's size."""
    expected = len(load_head().vertices)
    if template is not None and len(template) != expected:
        raise InputError(
            f"{path}: its template has {len(template)} vertices, but anny-head has {expected}; "
            "make the file again with this version of the project"
        )


def pose(vertices: Tensor, head: Head, head_pose: Tensor) -> Tensor:
    """Turn the head of meshes [..., V, 3] by head_pose [..., 4, 4]; the neck blends into still
    shoulders."""
    turned = vertices @ head_pose[..., :3, :3].mT + head_pose[..., None, :3, 3]
    return torch.lerp(vertices, turned, head.pose_weights[:, None])
