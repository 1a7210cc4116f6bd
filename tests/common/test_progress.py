"""What the bar says where its output is kept."""

import subprocess
import sys

import pytest

from common.progress import progress_bar


def test_a_bar_tells_what_is_done_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("painting", 12, "parts/s", done=5) as show:
        show()
        show(9)
        show(text="[loss] 0.5")
    out, err = capsys.readouterr()
    assert not out
    for words in ("painting", "9/12", "parts/s", "[loss] 0.5"):
        assert words in err


def test_the_total_may_come_later(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("listening") as show:
        show(1, 4)
    assert "1/4" in capsys.readouterr().err


def test_a_hidden_bar_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("painting", 2, hidden=True) as show:
        show()
    assert capsys.readouterr() == ("", "")


def test_who_shows_no_bar_does_not_load_rich() -> None:
    code = "import sys, common.progress; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lines_tell_a_program_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("VOICESPLAT_PROGRESS", "lines")
    with progress_bar("counting", 3) as show:
        show()
        show(2)
        show(text="nearly")
        show()
    assert capsys.readouterr().err.splitlines() == [
        "progress: counting 1/3",
        "progress: counting 3/3",
    ]
