"""The demo avatar as if GaussianAvatars had trained it: bound to a head of FLAME's topology.

    PYTHONPATH=. python tests/demo_on_flame.py FOLDER

writes generic_model.pkl in FLAME's format, point_cloud.ply and flame_param.npz, for pictures of a
FLAME avatar that may be shown.
"""

import sys
from pathlib import Path

import torch
from flame_files import write_flame
from flame_geometry import anny_rest, carried
from scipy.spatial import KDTree
from support import ROOT
from torch import Tensor

from avatar.avatar_io.avatar_file import load_avatar
from avatar.avatar_io.gaussian_avatars import write_gaussian_avatar
from avatar.heads import load_head
from avatar.heads.flame_model import LIP_OUTER_LOWER, LIP_OUTER_UPPER, VERTICES, load_flame
from avatar.heads.flame_regions import LOWER_TEETH, ROWS, UPPER_TEETH, add_teeth
from avatar.rigging.avatar import Avatar
from avatar.rigging.binding import bind, to_world, triangle_frames
from splat import activate

UPPER_PARTS, LOWER_PARTS = ("upper-teeth",), ("lower-teeth", "tongue")


def write_demo_on_flame(folder: Path) -> Path:
    """The three files; returns FLAME's."""
    folder.mkdir(parents=True, exist_ok=True)
    flame = write_flame(folder)
    write_gaussian_avatar(folder, demo_on_flame(flame))
    (folder / "canonical_mesh.npz").unlink()  # GaussianAvatars writes none
    return flame


def demo_on_flame(flame: Path) -> Avatar:
    model = add_teeth(load_flame(flame))
    demo, head = load_avatar(ROOT / "assets" / "demo_avatar.ply"), load_head()
    offset = _offset((demo.vertices - head.vertices).double().numpy(), model.template)
    rest = model.template + offset
    world = to_world(
        activate(demo.gaussians), demo.binding, triangle_frames(demo.vertices, demo.faces)
    )
    binding = _nearest(world.means, head.face_groups[demo.binding], rest, model.faces)
    local = bind(world, binding, rest, model.faces)
    return Avatar(
        *(local, binding, rest, model.faces, model.topology),
        flame_shape=torch.zeros(300),
        flame_offset=offset,
    )


def _offset(identity, template: Tensor) -> Tensor:
    """[5143, 3] from FLAME's mean head to the demo's sitter; the teeth follow the lips."""
    skin = torch.from_numpy(carried(identity) + anny_rest()).float() - template[:VERTICES]
    rings = (skin[list(LIP_OUTER_UPPER)] + skin[list(LIP_OUTER_LOWER)]) / 2
    return torch.cat([skin, rings.mean(0).expand(15 * len(ROWS), 3)])


def _nearest(means: Tensor, groups: Tensor, rest: Tensor, faces: Tensor) -> Tensor:
    """[N] the nearest triangle of the same part; what lies within the mouth goes to the teeth."""
    head, centres = load_head(), rest[faces].mean(1)
    upper, lower = (torch.isin(faces, torch.tensor(t)).all(1) for t in (UPPER_TEETH, LOWER_TEETH))
    names = [head.group_names[int(g)] for g in groups]
    eye = (faces >= 3931).all(1) & (faces < VERTICES).all(1)
    parts = {
        "upper": (upper, torch.tensor([n in UPPER_PARTS for n in names])),
        "lower": (lower, torch.tensor([n in LOWER_PARTS for n in names])),
        "eye": (eye, torch.tensor([n in ("l-eye", "r-eye") for n in names])),
    }
    skin = ~(upper | lower | eye)
    others = ~torch.stack([mask for _, mask in parts.values()]).any(0)
    binding = torch.zeros(len(means), dtype=torch.long)
    for triangles, gaussians in [*parts.values(), (skin, others)]:
        numbers = triangles.nonzero().squeeze(1)
        near = KDTree(centres[numbers].numpy()).query(means[gaussians].numpy())[1]
        binding[gaussians] = numbers[torch.from_numpy(near)]
    return binding


if __name__ == "__main__":
    print(f"wrote {write_demo_on_flame(Path(sys.argv[1]))} and an avatar beside it")
