"""A fine mesh made ready to move: time and memory in proportion to its vertices."""

import json
import subprocess
import sys

import pytest
from support import ROOT

MEASURE = """
import json, sys, time
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests"]
from head_meshes import HEAD, sealed_scan, subdivided
from avatar.drive.report import peak_rss_mb
from avatar.retarget.fitted_face import face_of

known, found = subdivided(sealed_scan()), []
face_of(known.mesh, "mesh", HEAD.vertices)  # compiles
for _ in range(2):
    known = subdivided(known)
    before, begin = peak_rss_mb(), time.process_time()
    face = face_of(known.mesh, "mesh", HEAD.vertices)
    spent = time.process_time() - begin
    found.append((len(known.mesh.vertices), spent, peak_rss_mb() - before))
    del face
print(json.dumps(found))
"""


@pytest.mark.slow
def test_time_and_memory_are_linear_in_the_vertices():
    command = [sys.executable, "-c", MEASURE, str(ROOT)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (few, quick, _), (many, long, grown) = json.loads(said)
    assert many > 190_000
    assert long / many < 2 * quick / few
    assert grown * 2**20 / many < 1800  # its 52 units alone take 624 bytes of each vertex
