"""Edges against plain sets of pairs."""

from collections import Counter

import numpy as np
import pytest

from avatar.geometry.edges import (
    adjacency,
    boundary_vertices,
    edge_numbers,
    edges_of,
    open_edges,
    shared_edges,
)
from avatar.geometry.vectors import Ints

STRIP = np.array([[0, 1, 2], [2, 1, 3], [2, 3, 4], [7, 8, 9]])
NOTHING = np.zeros((0, 3), np.int64)


def pairs(faces: Ints) -> list[tuple[int, int]]:
    return [(int(face[k]), int(face[(k + 1) % 3])) for face in faces for k in range(3)]


def soup(seed: int) -> Ints:
    """Triangles with three different corners, some of which share edges."""
    faces = np.random.default_rng(seed).integers(0, 9, (25, 3))
    return faces[(np.diff(np.sort(faces), axis=1) > 0).all(1)]


@pytest.mark.parametrize("faces", [STRIP, NOTHING, *map(soup, range(3))])
def test_each_edge_once_with_its_triangles(faces: Ints):
    expected = Counter(tuple(sorted(pair)) for pair in pairs(faces))
    edges, counts = edges_of(faces)
    assert dict(zip(map(tuple, edges.tolist()), counts.tolist(), strict=True)) == expected
    assert len(edges) == len(expected)


@pytest.mark.parametrize("faces", [STRIP, NOTHING, *map(soup, range(3))])
def test_open_edges_have_no_partner_that_runs_back(faces: Ints):
    every = Counter(pairs(faces))
    expected = Counter({pair: n for pair, n in every.items() if pair[::-1] not in every})
    assert Counter(map(tuple, open_edges(faces).tolist())) == expected


def test_shared_edges_name_both_triangles():
    edges, owners = shared_edges(STRIP)
    found = {
        tuple(edge): set(both) for edge, both in zip(edges.tolist(), owners.tolist(), strict=True)
    }
    assert found == {(1, 2): {0, 1}, (2, 3): {1, 2}}


def test_edge_numbers_find_pairs_in_either_order():
    edges = np.array([[2, 5], [0, 9], [1, 3]])
    wanted = np.array([[[5, 2], [3, 1]], [[0, 9], [2, 9]]])
    assert edge_numbers(edges, wanted).tolist() == [[0, 2], [1, -1]]
    assert edge_numbers(edges[:0], wanted).tolist() == [[-1, -1], [-1, -1]]


def test_neighbours_and_boundary_of_a_strip():
    expected = np.zeros((10, 10))
    for a, b in pairs(STRIP):
        expected[a, b] = expected[b, a] = 1
    assert np.array_equal(adjacency(STRIP, 10).toarray(), expected)
    assert np.flatnonzero(boundary_vertices(STRIP, 10)).tolist() == [0, 1, 2, 3, 4, 7, 8, 9]
