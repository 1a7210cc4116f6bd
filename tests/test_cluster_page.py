"""What docs/cluster.md shows can be started: every command parses, scripts and YAML are such."""

import re
import shlex
import subprocess
import textwrap
from pathlib import Path

import pytest
import yaml
from support import ROOT

from configs.cli import find_verb
from configs.command import parse
from configs.verbs import VERBS

PAGE = (ROOT / "docs" / "cluster.md").read_text()
BLOCKS = [
    textwrap.dedent(block) for block in re.findall(r"(?:^(?: {4}.*)?\n)+", PAGE, re.MULTILINE)
]
BLOCKS = [block.strip("\n") + "\n" for block in BLOCKS if block.strip()]
COMMANDS = [
    " ".join(found.replace("\\\n", " ").split())
    for block in BLOCKS
    for found in re.findall(r"\bvoicesplat (?:.*\\\n)*.*", block)
    if not found.startswith(("voicesplat/", "voicesplat["))
]
COMMANDS = [command for command in COMMANDS if command.split()[1].isidentifier()]
SCRIPTS = [block for block in BLOCKS if block.startswith("#!/bin/bash")]
YAMLS = [block for block in BLOCKS if re.match(r"[\w]+:( |\n)", block)]


def test_the_page_has_examples_of_all_kinds():
    assert len(COMMANDS) >= 7 and len(SCRIPTS) == 2 and len(YAMLS) == 3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command: str):
    verb, words = find_verb(shlex.split(command.split("#", maxsplit=1)[0])[1:])
    parse(f"voicesplat {verb}", VERBS[verb], words)


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
