"""Make tests/data/flame_mesh.npz: anny-head's skin cut to FLAME's counts and boundaries.

    PYTHONPATH=. python tests/make_flame_mesh.py

FLAME's surface is a head of 3,931 vertices that is open at the neck (30 vertices) and inside the
lips (32 vertices), and two closed eyeballs of 546. Every vertex made here is a mean of anny-head's,
so that whatever moves anny-head has a known counterpart. The file holds the faces, and the mean as
the entries of a sparse matrix; like anny-head it is CC0, and nothing in it is FLAME's.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from flame_layout import place
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from avatar.heads import load_head

OUT = Path(__file__).parent / "data" / "flame_mesh.npz"
HEAD, NECK_RING, MOUTH_RING = 3931, 30, 32
DEEP_IN_MOUTH = 673  # a vertex of anny-head's palate
MERGED = 700  # vertices taken out before others are put in, so that no edge is anny-head's own

Edge = tuple[int, int]


class Surface:
    """A triangle mesh under edition; vertex i is `mean[i]`, weights by vertex of anny-head."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.rest = vertices
        self.mean: dict[int, dict[int, float]] = {int(i): {int(i): 1.0} for i in np.unique(faces)}
        self.faces: dict[int, tuple[int, int, int]] = {}
        self.around: dict[int, set[int]] = {i: set() for i in self.mean}
        for face in faces.tolist():
            self.add(face)
        self.fresh = max(self.mean) + 1

    def add(self, face: Iterable[int]) -> None:
        a, b, c = face
        number = max(self.faces, default=-1) + 1
        self.faces[number] = (a, b, c)
        for vertex in (a, b, c):
            self.around[vertex].add(number)

    def drop(self, number: int) -> None:
        for vertex in self.faces.pop(number):
            self.around[vertex].discard(number)

    def at(self, vertex: int) -> np.ndarray:
        return sum(
            (w * self.rest[i] for i, w in self.mean[vertex].items()), np.zeros(3, np.float64)
        )

    def length(self, edge: Edge) -> float:
        return float(np.linalg.norm(self.at(edge[0]) - self.at(edge[1])))

    def neighbours(self, vertex: int) -> set[int]:
        return {v for f in self.around[vertex] for v in self.faces[f]} - {vertex}

    def edges(self) -> dict[Edge, int]:
        """Every edge, with the number of its triangles."""
        count: dict[Edge, int] = {}
        for a, b, c in self.faces.values():
            for edge in ((a, b), (b, c), (c, a)):
                key = (min(edge), max(edge))
                count[key] = count.get(key, 0) + 1
        return count

    def rims(self) -> list[list[int]]:
        """The loops of edges that have one triangle."""
        follow: dict[int, int] = {}
        rim = {edge for edge, count in self.edges().items() if count == 1}
        for a, b, c in self.faces.values():
            for u, v in ((a, b), (b, c), (c, a)):
                if (min(u, v), max(u, v)) in rim:
                    follow[u] = v
        loops = []
        while follow:
            loop = [next(iter(follow))]
            while loop[-1] in follow:
                loop.append(follow.pop(loop[-1]))
            loops.append(loop[:-1])
        return loops

    def split(self, edge: Edge) -> int:
        """A new vertex in the middle of an edge."""
        u, v = edge
        new, self.fresh = self.fresh, self.fresh + 1
        parents = set(self.mean[u]) | set(self.mean[v])
        mean = {i: (self.mean[u].get(i, 0.0) + self.mean[v].get(i, 0.0)) / 2 for i in parents}
        self.mean[new], self.around[new] = mean, set()
        for number in list(self.around[u] & self.around[v]):
            face = self.faces[number]
            self.drop(number)
            for old in (u, v):
                self.add(new if vertex == old else vertex for vertex in face)
        return new

    def merge(self, gone: int, kept: int) -> bool:
        """Pull vertex `gone` into its neighbour `kept`; False where that would spoil the mesh."""
        shared = self.around[gone] & self.around[kept]
        if len(self.neighbours(gone) & self.neighbours(kept)) != len(shared):
            return False
        moved = [self.faces[f] for f in self.around[gone] - shared]
        changed = [tuple(kept if v == gone else v for v in face) for face in moved]
        if any(self._turned(a, b) for a, b in zip(moved, changed, strict=True)):
            return False
        for number in list(self.around[gone]):
            self.drop(number)
        for face in changed:
            self.add(face)
        del self.mean[gone], self.around[gone]
        return True

    def flip(self, edge: Edge) -> bool:
        """Join the other two corners of the triangles at an edge instead, where that makes the
        narrower one wider and hardly bends the surface; False where it does not."""
        u, v = edge
        shared = self.around[u] & self.around[v]
        if len(shared) != 2:
            return False
        first = next(f for f in shared if self._leads(self.faces[f], u, v))
        a = next(x for x in self.faces[first] if x not in edge)
        b = next(x for f in shared - {first} for x in self.faces[f] if x not in edge)
        if b in self.neighbours(a):
            return False
        before, after = ((u, v, a), (v, u, b)), ((u, b, a), (b, v, a))
        normals = [self._normal(face) for face in (*before, *after)]
        mean = normals[0] + normals[1]
        flat = all(n @ mean > 0.9 * np.linalg.norm(n) * np.linalg.norm(mean) for n in normals[2:])
        worst, better = (min(map(self._width, pair)) for pair in (before, after))
        if not flat or better < 1.05 * worst:
            return False
        for number in shared:
            self.drop(number)
        for face in after:
            self.add(face)
        return True

    @staticmethod
    def _leads(face: tuple[int, int, int], u: int, v: int) -> bool:
        return face[(face.index(u) + 1) % 3] == v

    def _normal(self, face: tuple[int, ...]) -> np.ndarray:
        p = [self.at(v) for v in face]
        return np.cross(p[1] - p[0], p[2] - p[0])

    def _width(self, face: tuple[int, ...]) -> float:
        """The area in squares of the longest edge: small for slivers."""
        longest = max(self.length((face[k - 1], face[k])) for k in range(3))
        return float(np.linalg.norm(self._normal(face))) / longest**2

    def _turned(self, before: tuple[int, ...], after: tuple[int, ...]) -> bool:
        n, m = self._normal(before), self._normal(after)
        area = np.linalg.norm(m)
        return bool(n @ m < 0.7 * np.linalg.norm(n) * area or area < 1e-8)


def cut_pocket(faces: np.ndarray, inner: set[int]) -> np.ndarray:
    """Faces without those of the pocket behind the lips."""
    follow: dict[int, set[int]] = {}
    for face in faces.tolist():
        for vertex in face:
            follow.setdefault(vertex, set()).update(face)
    pocket, fresh = {DEEP_IN_MOUTH}, [DEEP_IN_MOUTH]
    while fresh:
        found = (follow[fresh.pop()] & inner) - pocket
        pocket |= found
        fresh += found
    return outer_part(faces[~np.isin(faces, list(pocket)).any(1)])


def outer_part(faces: np.ndarray) -> np.ndarray:
    """The largest connected part."""
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    size = faces.max() + 1
    graph = coo_matrix((np.ones(len(ends)), ends.T), (size, size))
    part = connected_components(graph, directed=False)[1][faces[:, 0]]
    return faces[part == np.bincount(part).argmax()]


def resize_rim(surface: Surface, loop: list[int], size: int) -> None:
    """Merge or split the edges of a rim until it has so many vertices."""
    edge_of = lambda loop, k: (loop[k - 1], loop[k])  # noqa: E731
    while len(loop) != size:
        order = sorted(range(len(loop)), key=lambda k: surface.length(edge_of(loop, k)))
        if len(loop) < size:
            loop.insert(order[-1], surface.split(edge_of(loop, order[-1])))
            continue
        for k in order:
            if surface.merge(loop[k], loop[k - 1]):
                del loop[k]
                break
        else:
            raise AssertionError("no edge of the rim can be merged")


def merge_short(surface: Surface, count: int, still: set[int]) -> None:
    """Merge the shortest edges between vertices that may move."""
    while count > 0:
        edges = sorted(surface.edges(), key=surface.length)
        touched: set[int] = set()
        for u, v in edges:
            if count == 0 or touched & {u, v} or u in still or v in still:
                continue
            near = surface.neighbours(u) | surface.neighbours(v)
            if surface.merge(u, v):
                touched |= near
                count -= 1


def split_long(surface: Surface, count: int) -> None:
    """Split the longest edges, but none of a triangle on a rim: rims keep their vertices, and
    beside their longer edges slivers would be left."""
    while count > 0:
        edges = surface.edges()
        rim = {vertex for edge, faces in edges.items() if faces == 1 for vertex in edge}
        inner = [edge for edge in edges if not rim & set(edge)]
        for edge in sorted(inner, key=surface.length, reverse=True)[: max(1, min(40, count))]:
            if surface.around[edge[0]] & surface.around[edge[1]]:
                surface.split(edge)
                count -= 1


def flip_edges(surface: Surface) -> None:
    """Until no flip makes a triangle wider."""
    while sum(surface.flip(edge) for edge in list(surface.edges())):
        pass


def main() -> None:
    head = load_head()
    faces = head.faces[head.group_faces("body")].numpy()
    inner = set(head.regions["inner_mouth"].tolist())
    surface = Surface(head.vertices.double().numpy(), cut_pocket(faces, inner))
    mouth, neck = sorted(surface.rims(), key=lambda loop: surface.at(loop[0])[1], reverse=True)
    resize_rim(surface, neck, NECK_RING)
    resize_rim(surface, mouth, MOUTH_RING)
    kept = (head.regions[name].tolist() for name in ("lips", "eyelids"))
    lips, lids = map(set, kept)
    still = lips | lids | set(mouth) | set(neck)
    still |= {v for v in surface.mean if abs(surface.at(v)[0]) < 1e-4}
    still |= {v for vertex in mouth for v in surface.neighbours(vertex)}
    merge_short(surface, MERGED, still)
    flip_edges(surface)
    split_long(surface, HEAD - len(surface.mean))
    flip_edges(surface)
    assert len(surface.mean) == HEAD
    numbers = place(head, {v: surface.at(v) for v in surface.mean}, mouth)
    entries = np.array(
        [(numbers[v], i, w) for v, mean in surface.mean.items() for i, w in mean.items()]
    )
    order = np.lexsort((entries[:, 1], entries[:, 0]))
    np.savez_compressed(
        OUT,
        faces=np.array([[numbers[v] for v in face] for face in surface.faces.values()], np.uint16),
        vertex=entries[order, 0].astype(np.uint16),
        source=entries[order, 1].astype(np.uint16),
        weight=entries[order, 2].astype(np.float32),
    )
    print(f"wrote {OUT}: {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
