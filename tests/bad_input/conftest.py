"""Every bad input: one sentence, exit status 2, no traceback, nothing left behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support import Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def refuses(
    run_drive: Run, avatar_file: Path, voice_file: Path, tmp_path: Path
) -> Callable[..., None]:
    """Check that a drive with some options changed ends in a sentence and leaves nothing."""

    def check(*said: str, **changes: object) -> None:
        folder = tmp_path / "out"
        folder.mkdir(exist_ok=True)
        before = sorted(tmp_path.rglob("*"))
        options = {"avatar": avatar_file, "audio": voice_file, "out": folder / "video.mp4"}
        options |= {"width": 64, "height": 64} | changes
        flags = (
            f"--{key.replace('_', '-')}={value}"
            for key, value in options.items()
            if value is not None
        )
        outcome = run_drive(*flags)
        assert outcome.status == 2, outcome
        sentence = outcome.stderr.strip().splitlines()[-1]
        assert sentence.startswith("error: "), outcome.stderr
        assert "Traceback" not in outcome.stderr
        for word in said:
            assert word in sentence
        assert sorted(tmp_path.rglob("*")) == before

    return check
