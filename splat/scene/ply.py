"""The .ply of 3D Gaussian Splatting, optionally bound to a mesh that travels in the same file.

Element `vertex`: x y z, nx ny nz (written as zeros, ignored when read), f_dc_0..2, f_rest_* for SH
degree 1 to 3 (channel-major), opacity (logit), scale_0..2 (log), rot_0..3 (wxyz), and for Gaussians
that ride on triangles binding_0 (triangle index; GaussianAvatars' name). Then, optionally,
elements `mesh_vertex` (x y z) and `mesh_face` (vertex_0..2), `template_vertex` (x y z): a template
mesh laid onto that mesh, and any further elements of x y z or of one `value`, a float or a
byte. Faces are three plain numbers since many readers of Gaussians know no lists; a list
vertex_indices is read as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from plyfile import PlyData, PlyElement, PlyElementParseError, PlyHeaderParseError
from torch import Tensor

from common.atomic import write_beside
from common.errors import InputError, check_file
from splat.scene.gaussians import RawGaussians

REST_COUNTS = {0: 1, 9: 4, 24: 9, 45: 16}  # f_rest properties -> SH coefficients per channel
POSITION = ("x", "y", "z")
NORMAL = ("nx", "ny", "nz")
DC = ("f_dc_0", "f_dc_1", "f_dc_2")
SCALE = ("scale_0", "scale_1", "scale_2")
ROTATION = ("rot_0", "rot_1", "rot_2", "rot_3")
BINDING = "binding_0"
CORNERS = ("vertex_0", "vertex_1", "vertex_2")
CORNER_LIST = "vertex_indices"  # what files had before
VALUE = ("value",)
NAMED_ELEMENTS = ("vertex", "mesh_vertex", "mesh_face", "template_vertex")

Columns = NDArray[np.float32]  # [rows, columns]


@dataclass(frozen=True)
class SplatPly:
    """What one file holds."""

    gaussians: RawGaussians
    binding: Tensor | None = None  # [N] triangle of each Gaussian; floats are written as such
    mesh_vertices: Tensor | None = None  # [V, 3]
    mesh_faces: Tensor | None = None  # [M, 3] int64
    comments: tuple[str, ...] = ()
    template_vertices: Tensor | None = None  # [S, 3]
    tables: Mapping[str, Tensor] = field(default_factory=dict)  # element → [rows] or [rows, 3]


def read_ply(path: Path | str) -> SplatPly:
    """Read and check a file. Raises FileNotFoundError, or InputError that names the broken rule."""
    path = Path(path)
    check_file(path)
    try:
        return _read(path)
    except _BrokenRule as rule:
        raise InputError(f"{path}: {rule}") from None


class _BrokenRule(Exception):
    """A rule of the format that the file breaks, to follow the name of the file in a sentence."""


def _read(path: Path) -> SplatPly:
    data = _parse(path)
    if "vertex" not in data:
        raise _BrokenRule("the .ply has no element 'vertex', so it holds no Gaussians")
    vertex = data["vertex"]
    if vertex.count == 0:
        raise _BrokenRule("the element 'vertex' has no rows, so it holds no Gaussians")
    vertices = _points(data, "mesh_vertex")
    return SplatPly(
        gaussians=_gaussians(vertex),
        binding=_binding(vertex),
        mesh_vertices=vertices,
        mesh_faces=_mesh_faces(data, vertices),
        template_vertices=_points(data, "template_vertex"),
        comments=tuple(data.comments),
        tables=_tables(data),
    )


def _parse(path: Path) -> PlyData:
    with path.open("rb") as file:
        if file.read(4).rstrip() != b"ply":
            raise _BrokenRule("this is not a .ply file (it does not begin with the line 'ply')")
    try:
        return PlyData.read(path, known_list_len={"mesh_face": {CORNER_LIST: 3}})
    except PlyHeaderParseError as error:
        raise _BrokenRule(f"the .ply header cannot be read ({error})") from None
    except UnicodeDecodeError:
        raise _BrokenRule("the .ply header cannot be read (it is not plain text)") from None
    except PlyElementParseError as error:
        if error.element is not None and error.element.name == "mesh_face":
            rule = "the element 'mesh_face' is cut short or holds a face that is not a triangle"
            raise _BrokenRule(rule) from None
        raise _BrokenRule(f"the file is truncated or damaged ({error})") from None
    except ValueError as error:  # a name twice
        raise _BrokenRule(f"the .ply header cannot be read ({error})") from None


def _columns(element: PlyElement, names: tuple[str, ...]) -> Columns:
    """Scalar properties as finite float32 [rows, len(names)]."""
    found = {p.name: p for p in element.properties}
    for name in names:
        if name not in found:
            raise _BrokenRule(f"the element '{element.name}' has no property '{name}'")
        if element.data[name].dtype.kind not in "fiu":
            raise _BrokenRule(f"the property '{name}' of '{element.name}' is not a number")
    columns = np.stack([element.data[name] for name in names], axis=1).astype(np.float32)
    finite = np.isfinite(columns)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        where = f"row {row} of '{element.name}'"
        raise _BrokenRule(f"the property '{names[column]}' is NaN or infinite in {where}")
    return columns


def _gaussians(vertex: PlyElement) -> RawGaussians:
    rotations = _columns(vertex, ROTATION)
    lengths = np.abs(rotations).max(axis=1)
    if not lengths.all():
        raise _BrokenRule(
            f"the quaternion rot_0..rot_3 is zero in row {lengths.argmin()} of 'vertex'"
        )
    return RawGaussians(
        means=torch.from_numpy(_columns(vertex, POSITION)),
        quats=torch.from_numpy(rotations),
        log_scales=torch.from_numpy(_columns(vertex, SCALE)),
        opacity_logits=torch.from_numpy(_columns(vertex, ("opacity",))[:, 0].copy()),
        sh=_spherical_harmonics(vertex),
    )


def _spherical_harmonics(vertex: PlyElement) -> Tensor:  # [N, K, 3]
    rest_names = {p.name for p in vertex.properties if p.name.startswith("f_rest_")}
    count = len(rest_names)
    if count not in REST_COUNTS:
        raise _BrokenRule(
            f"there are {count} f_rest properties, not 0, 9, 24 or 45 (SH degree 0 to 3)"
        )
    dc = _columns(vertex, DC)[:, None]  # [N, 1, 3]
    if count == 0:
        return torch.from_numpy(dc)
    channel_major = _columns(vertex, tuple(f"f_rest_{i}" for i in range(count)))
    rest = channel_major.reshape(len(dc), 3, count // 3).transpose(0, 2, 1)  # [N, K - 1, 3]
    return torch.from_numpy(np.concatenate([dc, rest], axis=1))


def _binding(vertex: PlyElement) -> Tensor | None:  # [N]
    if BINDING not in {p.name for p in vertex.properties}:
        return None
    _columns(vertex, (BINDING,))
    binding = vertex.data[BINDING]
    wrong = (binding < 0) | (binding != np.floor(binding))
    if wrong.any():
        row = int(np.argmax(wrong))
        value = binding[row]
        raise _BrokenRule(f"'{BINDING}' is {value} in row {row}, which is not a triangle number")
    return torch.from_numpy(binding.astype(np.int64))


def _points(data: PlyData, element: str) -> Tensor | None:  # [V, 3]
    if element not in data:
        return None
    if data[element].count == 0:
        raise _BrokenRule(f"the element '{element}' has no rows")
    return torch.from_numpy(_columns(data[element], POSITION))


def _tables(data: PlyData) -> dict[str, Tensor]:
    """The elements that are not named here, of those forms that can be written."""
    tables = {}
    for element in data.elements:
        names = tuple(p.name for p in element.properties)
        if element.name not in NAMED_ELEMENTS and names in (POSITION, VALUE) and element.count:
            if names == VALUE and element.data["value"].dtype == np.uint8:
                tables[element.name] = torch.from_numpy(element.data["value"].copy())
                continue
            columns = torch.from_numpy(_columns(element, names))
            tables[element.name] = columns if names == POSITION else columns[:, 0]
    return tables


def _mesh_faces(data: PlyData, vertices: Tensor | None) -> Tensor | None:  # [M, 3]
    if "mesh_face" not in data:
        return None
    element = data["mesh_face"]
    if vertices is None:
        raise _BrokenRule("there is an element 'mesh_face' but no 'mesh_vertex'")
    if element.count == 0:
        raise _BrokenRule("the element 'mesh_face' has no rows")
    faces = _corners(element)
    outside = (faces < 0) | (faces >= len(vertices))
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise _BrokenRule(
            f"face {row} of 'mesh_face' names vertex {faces[row, column]}, "
            f"but there are {len(vertices)} rows in 'mesh_vertex'"
        )
    return torch.from_numpy(faces)


def _corners(element: PlyElement) -> NDArray[np.int64]:  # [M, 3]
    names = {p.name for p in element.properties}
    if CORNER_LIST in names:
        faces = element.data[CORNER_LIST]
        if faces.dtype.kind not in "iu" or faces.shape != (element.count, 3):
            raise _BrokenRule(
                f"'{CORNER_LIST}' of 'mesh_face' is not a list of three integers per face"
            )
        return faces.astype(np.int64)
    for name in CORNERS:
        if name not in names:
            raise _BrokenRule(f"the element 'mesh_face' has no property '{name}'")
        if element.data[name].dtype.kind not in "iu":
            raise _BrokenRule(f"the property '{name}' of 'mesh_face' is not a whole number")
    return np.stack([element.data[name] for name in CORNERS], axis=1).astype(np.int64)


def write_ply(path: Path | str, ply: SplatPly) -> None:
    """Write `ply`, little-endian binary, byte-identical for identical input. Raises OSError."""
    elements = [PlyElement.describe(_vertex_rows(ply), "vertex")]
    points = {"mesh_vertex": ply.mesh_vertices, "template_vertex": ply.template_vertices}
    for name, tensor in (points | dict(ply.tables)).items():
        if tensor is not None:
            names = POSITION if tensor.ndim == 2 else VALUE
            elements.append(PlyElement.describe(_rows(_table(names, tensor)), name))
    if ply.mesh_faces is not None:
        corners = ply.mesh_faces.detach().cpu().numpy().astype(np.int32).T
        table: dict[str, NDArray] = dict(zip(CORNERS, corners, strict=True))
        elements.append(PlyElement.describe(_rows(table), "mesh_face"))
    with write_beside(path) as temporary:
        PlyData(elements, byte_order="<", comments=list(ply.comments)).write(temporary)


def _table(names: tuple[str, ...], tensor: Tensor) -> dict[str, NDArray]:
    kind = torch.uint8 if tensor.dtype == torch.uint8 else torch.float32
    columns = tensor.detach().cpu().to(kind).reshape(len(tensor), len(names)).numpy()
    return {name: columns[:, i] for i, name in enumerate(names)}


def _rows(table: dict[str, NDArray]) -> NDArray:
    """Structured array with one little-endian field per column."""
    dtype = [(name, column.dtype.newbyteorder("<")) for name, column in table.items()]
    rows = np.empty(len(next(iter(table.values()))), dtype=dtype)
    for name, column in table.items():
        rows[name] = column
    return rows


def _vertex_rows(ply: SplatPly) -> NDArray:
    g = ply.gaussians
    rest = g.sh[:, 1:].transpose(1, 2).flatten(1)  # [N, 3 (K - 1)] channel-major
    table = (
        _table(POSITION, g.means)
        | _table(NORMAL, torch.zeros_like(g.means))
        | _table(DC, g.sh[:, 0])
        | _table(tuple(f"f_rest_{i}" for i in range(rest.shape[1])), rest)
        | _table(("opacity",), g.opacity_logits)
        | _table(SCALE, g.log_scales)
        | _table(ROTATION, g.quats)
    )
    if ply.binding is not None:
        kind = np.float32 if ply.binding.is_floating_point() else np.int32
        table[BINDING] = ply.binding.detach().cpu().numpy().astype(kind)
    return _rows(table)
