"""Pack MakeHuman's CC0 people into what ships: a bust of the base mesh with its morph targets,
parts bound to it, and their textures."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from avatar.geometry.vectors import Floats, Ints
from common.errors import InputError
from research.upkeep.extract_anny_head import DECIMETRES, ORIGIN, kept_vertices
from research.upkeep.makehuman_files import BoundPart, ObjFile, read_bound_part, read_obj

LOWEST = -0.30  # metres, head space: where the bust ends
HALF_WIDTH = 0.22  # metres
TARGET_STEP = 2e-5  # metres
KINDS = ("hair", "eyebrows", "eyelashes", "eyes", "teeth", "tongue", "clothes")
TEXTURES = {
    "skins": ("skins/*.jpg", 2048, 93),
    "hair": ("hair/*/*_diffuse.png", 1280, 86),
    "eyebrows": ("eyebrows/*/*.png", 512, 84),
    "eyelashes": ("eyelashes/*/*.png", 512, 84),
    "irises": ("eyes/materials/*_eye.png", 640, 88),
    "teeth": ("teeth/materials/teeth.png", 768, 90),
    "tongue": ("tongue/*/*_diffuse.png", 512, 84),
    "clothes": ("clothes/*/*_diffuse.png", 1024, 84),
}
"""Folder → which pictures, the longest side in pixels, and the quality of their WebP."""
ON_BLACK = {"long01"}  # hair whose texture has an opaque black ground
LIT = 0.05  # of the blurred brightness, above which such a texture shows hair
BLANK = 0.03  # difference from the colour of a skin's corner, below which it shows no skin


def pack_geometry(library: Path, targets: Mapping[str, Floats]) -> dict[str, np.ndarray]:
    """All arrays of the library's file, in head space and metres.

    library: the folder of original files; targets: offsets [B, 3] of the base mesh in decimetres
    by name. Raises InputError.
    """
    base = read_obj(library / "base.obj.gz")
    vertices = (base.vertices - ORIGIN) * DECIMETRES
    head = kept_vertices(base.vertices, base.polygons)
    faces, corners = base.triangles("body")
    bust = _in_bust(vertices[faces], LOWEST)
    parts = dict(_parts(library, len(vertices), vertices))
    used = [head, faces[bust].ravel()]
    used += [
        ids.ravel() for part, _, _ in parts.values() for ids in (part.reference, part.measured)
    ]
    kept = np.unique(np.concatenate(used))
    number = np.full(len(vertices), -1)
    number[kept] = np.arange(len(kept))
    offsets = np.stack([each[kept] for each in targets.values()]) * DECIMETRES / TARGET_STEP
    arrays = {
        "vertices": vertices[kept].astype(np.float32),
        "head": number[head].astype(np.int16),
        "faces": number[faces[bust]].astype(np.int16),
        "uv": corners[bust].astype(np.float32),
        "target_names": np.array(list(targets)),
        "targets": np.round(offsets).astype(np.int16),
        "target_step": np.array(TARGET_STEP),
        "part_names": np.array(list(parts)),
    }
    for name, (part, part_faces, uv) in parts.items():
        arrays |= {f"{name}/{key}": a for key, a in _arrays(part, number, part_faces, uv).items()}
    return arrays


def _in_bust(corners: Floats, lowest: float) -> np.ndarray:
    """Which triangles [M] with these corners [M, 3, 3] belong to head and bust."""
    return (corners[..., 1].min(1) > lowest) & (np.abs(corners[..., 0]).max(1) < HALF_WIDTH)


def _parts(
    library: Path, count: int, vertices: Floats
) -> Iterator[tuple[str, tuple[BoundPart, Ints, Floats]]]:
    """Each part by `kind/name`: its binding, triangles and texture coordinates, without what lies
    below the bust."""
    for kind in KINDS:
        found = sorted((library / kind).glob("*/*.mhclo"))
        if not found:
            raise InputError(f"{library / kind}: holds no parts; give the library's folder")
        for path in found:
            part = read_bound_part(path, count)
            mesh = read_obj(path.with_name(part.mesh))
            if len(mesh.vertices) != len(part.reference):
                raise InputError(f"{path}: does not bind all vertices of {part.mesh}")
            if (kind == "eyes" and path.stem != "high-poly") or not _textured(path, mesh, kind):
                continue
            yield (
                f"{kind}/{path.stem.removesuffix('_base')}",
                _cropped(part, *mesh.triangles(), vertices),
            )


def _textured(path: Path, mesh: ObjFile, kind: str) -> bool:
    own_texture = kind in ("hair", "clothes")
    return len(mesh.texture_points) > 0 and (not own_texture or any(path.parent.glob("*.png")))


def _cropped(
    part: BoundPart, faces: Ints, uv: Floats, vertices: Floats
) -> tuple[BoundPart, Ints, Floats]:
    kept = _in_bust(vertices[part.reference[faces]].mean(2), LOWEST - 0.02)
    used, renumbered = np.unique(faces[kept], return_inverse=True)
    rows = {name: getattr(part, name)[used] for name in ("reference", "weights", "offsets")}
    cropped = BoundPart(**{**vars(part), **rows})
    return cropped, renumbered.reshape(-1, 3), uv[kept]


def _arrays(part: BoundPart, number: Ints, faces: Ints, uv: Floats) -> dict[str, np.ndarray]:
    hidden = number[part.hides]
    return {
        "reference": number[part.reference].astype(np.int16),
        "weights": part.weights.astype(np.float32),
        "offsets": (part.offsets * DECIMETRES).astype(np.float32),
        "measured": number[part.measured].astype(np.int16),
        "lengths": (part.lengths * DECIMETRES).astype(np.float32),
        "hides": hidden[hidden >= 0].astype(np.int16),
        "faces": faces.astype(np.int16),
        "uv": uv.astype(np.float32),
    }


def pack_textures(library: Path, out: Path) -> Iterator[Path]:
    """Write every texture as a small WebP under `out`; yields each file. Raises InputError."""
    for folder, (pattern, longest, quality) in TEXTURES.items():
        found = [path for path in sorted(library.glob(pattern)) if "thumb" not in path.name]
        if not found:
            raise InputError(f"{library}: has no {pattern}; give the library's folder")
        (out / folder).mkdir(parents=True, exist_ok=True)
        for path in found:
            name = path.stem.removesuffix("_diffuse").removesuffix("_eye")
            picture = Image.open(path)
            texels = np.asarray(picture.convert("RGBA"), np.float32) / 255
            texels = masked_skin(texels) if folder == "skins" else texels
            if folder == "hair":
                texels = bled(texels, LIT if name in ON_BLACK else 0.0)
            image = Image.fromarray(np.round(texels * 255).clip(0, 255).astype(np.uint8))
            image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
            target = out / folder / f"{name}.webp"
            image.save(target, quality=quality, method=6, exact=True)
            yield target


def masked_skin(texels: Floats) -> Floats:
    """Texels [H, W, 4] of a skin, clear where the picture was blanked."""
    differs = np.abs(texels[..., :3] - texels[4, 4, :3]).max(2) >= BLANK
    known = gaussian_filter(differs.astype(np.float32), 2.0) > 0.5
    return np.dstack([texels[..., :3], known.astype(texels.dtype)])


def bled(texels: Floats, lit: float) -> Floats:
    """Texels [H, W, 4] with colours spread into what is clear; opaque texels that are darker than
    `lit` in their neighbourhood become clear."""
    shows = gaussian_filter(texels[..., :3].max(2), 4) >= lit
    alpha = texels[..., 3] * shows
    colours, weights = texels[..., :3] * alpha[..., None] * 1e3, alpha * 1e3
    for sigma in (1.5, 5.0, 20.0):
        share = 10 ** (-sigma / 4)
        blurred = gaussian_filter(texels[..., :3] * alpha[..., None], (sigma, sigma, 0))
        colours = colours + blurred * share
        weights = weights + gaussian_filter(alpha, sigma) * share
    return np.dstack([colours / np.maximum(weights, 1e-9)[..., None], alpha])
