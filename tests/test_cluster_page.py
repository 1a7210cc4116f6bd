"""What docs/cluster.md shows can be started: its scripts are of bash, its jobs YAML."""

import re
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml
from support import ROOT

PAGE = (ROOT / "docs" / "cluster.md").read_text()
BLOCKS = [
    textwrap.dedent(block) for block in re.findall(r"(?:^(?: {4}.*)?\n)+", PAGE, re.MULTILINE)
]
BLOCKS = [block.strip("\n") + "\n" for block in BLOCKS if block.strip()]
SCRIPTS = [block for block in BLOCKS if block.startswith("#!/bin/bash")]
YAMLS = [block for block in BLOCKS if re.match(r"[\w]+:( |\n)", block)]


def test_the_page_has_examples_of_all_kinds():
    assert len(SCRIPTS) == 2 and len(YAMLS) == 3


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_of_bash(script: str, tmp_path: Path):
    path = tmp_path / "job.sh"
    path.write_text(script)
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", YAMLS)
def test_jobs_are_yaml(text: str):
    job = yaml.safe_load(text)
    for part in ("setup", "run"):
        if part in job:
            done = subprocess.run(
                ["bash", "-n", "-c", job[part]], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
