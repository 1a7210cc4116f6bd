"""Commands answer at once: what takes seconds to import waits until it is needed."""

import json
import subprocess
import sys

from support import ROOT

from configs.verbs import VERBS

HEAVY = {"torch", "numba", "scipy", "transformers", "av", "PIL", "trimesh", "soxr"}


def imported(statements: str) -> set[str]:
    """The top-level modules that are there after some statements in a new process."""
    tell = "; import json, sys; print(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    command = [sys.executable, "-c", statements + tell]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_options_import_nothing_heavy():
    options = {str(verb.options) for verb in VERBS.values()}
    each = "; ".join("from {} import {}".format(*place.split(":")) for place in options)
    assert not HEAVY & imported(f"import configs.cli, tyro; {each}")


def test_commands_do_without_transformers():
    modules = (
        *("avatar.drive.drive", "avatar.drive.render", "avatar.drive.export"),
        *("avatar.avatar_io.open_avatar", "avatar.reconstruct.fit"),
        *("research.captures.make", "research.evaluation.avatar.evaluate"),
    )
    found = imported(f"import {', '.join(modules)}")
    assert "torch" in found and "transformers" not in found


def test_the_shipped_weights_speak_without_transformers():
    statements = "import numpy; from audio2mesh import load_model, stream_offsets; "
    speak = "list(stream_offsets(load_model(), [numpy.zeros(16_000, 'f4')]))"
    assert "transformers" not in imported(statements + speak)
