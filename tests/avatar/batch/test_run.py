"""A batch makes what is missing, whole or not at all, and tells of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fsspec
import pytest
from batches import here, manifest, outputs
from support import Outcome

from avatar.batch import jobs as job
from avatar.batch import run
from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch
from avatar.drive.drive import drive
from avatar.drive.options import DriveOptions
from common.errors import InputError
from common.workers import Died


def test_a_batch_is_many_drives(given: BatchOptions, lines: Path, tmp_path: Path):
    """The same bytes as one drive for each recording; and a second run makes nothing."""
    done = run_batch(given, here)
    assert (done.made, done.there, done.failed) == (3, 0, 0)
    single = tmp_path / "line1_subject.mp4"
    options = DriveOptions(Path(given.avatars[0]), lines / "line1.wav", single, width=32, height=32)
    drive(replace(options, save_motion=single.with_suffix(".npz"), threads=1))
    found = outputs(tmp_path / "out")
    assert len(found) == 6
    for name in ("line1_subject.mp4", "line1_subject.npz"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / name).read_bytes()
    records = manifest(tmp_path / "out")
    assert records["line1_subject"]["options"] == {"width": 32, "height": 32}
    assert records["line1_subject"]["frames"] == 6 and records["line1_subject"]["seconds"] > 0
    again = run_batch(given, _nobody)
    assert (again.made, again.there, again.failed) == (0, 3, 0)
    assert {r["status"] for r in manifest(tmp_path / "out").values()} == {"there"}


def _nobody(work: object, tasks):
    assert list(tasks) == []
    yield from ()


def test_only_what_changed_is_made_again(given: BatchOptions, lines: Path, tmp_path: Path):
    given = replace(given, make="film", width=16, height=16)
    run_batch(given, here)
    (lines / "line0.wav").write_bytes((lines / "line1.wav").read_bytes())
    (tmp_path / "out" / "line2_subject.mp4").unlink()
    done = run_batch(given, here)
    assert (done.made, done.there) == (2, 1)
    assert run_batch(replace(given, threads=2), here).there == 3  # not what decides a film
    assert run_batch(replace(given, emotion="happy"), here).made == 3
    avatar = Path(given.avatars[0])
    header, end, points = avatar.read_bytes().partition(b"end_header\n")
    avatar.write_bytes(header + b"comment another one\n" + end + points)
    assert len(list(_tasks(replace(given, emotion="happy")))) == 3


def _tasks(options: BatchOptions):
    """What would be made."""
    asked = []

    def refuse(work: object, tasks):
        asked.extend(tasks)
        yield from ()

    run_batch(options, refuse)
    return asked


def test_a_bad_recording_costs_one_line(
    run_script: Callable[..., Outcome],
    given: BatchOptions,
    lines: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("avatar.batch.run.in_processes", lambda w, items, workers: here(w, items))
    (lines / "line1.wav").write_bytes(b"no sound at all")
    arguments = ("--avatars", *given.avatars, "--audio", lines, "--out", given.out)
    arguments += ("--width", 16, "--height", 16, "--shard", "1/1", "--workers", 1)
    done = run_script("batch", *arguments)
    assert done.status == 1 and "Traceback" not in done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert "line1.wav: is not an audio or video file" in said
    assert "2 made, 0 there before, 1 failed" in done.stdout
    assert sorted(outputs(tmp_path / "out")) == ["line0_subject.mp4", "line2_subject.mp4"]
    record = manifest(tmp_path / "out")["line1_subject"]
    assert record["status"] == "failed" and "not an audio" in record["error"]
    (lines / "line1.wav").write_bytes((lines / "line0.wav").read_bytes())
    assert run_script("batch", *arguments).status == 0
    assert len(outputs(tmp_path / "out")) == 3


def test_a_record_never_tells_of_other_outputs(
    given: BatchOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A worker that dies between an output and its record: the former record is gone as well."""
    given = replace(given, make="film", width=16, height=16)
    run_batch(given, here)
    happy = replace(given, emotion="happy", intensity=1.0)
    with monkeypatch.context() as patch:
        patch.setattr("avatar.batch.work.write_record", _dies)
        with pytest.raises(SystemExit):
            run_batch(happy, here)
    assert len(_tasks(given)) == 1  # the one whose film is now a happy one
    changed = outputs(tmp_path / "out")
    assert run_batch(given, here).made == 1
    assert sum(changed[name] != digest for name, digest in outputs(tmp_path / "out").items()) == 1


def _dies(*_: object) -> None:
    raise SystemExit


def test_places_of_a_store_are_read_and_written(given: BatchOptions, lines: Path):
    """The same films in and out of memory://, which stands for s3:// and gs://."""
    given = replace(given, width=16, height=16)
    run_batch(given, here)
    store = fsspec.filesystem("memory")
    store.put(str(lines), "/studio/lines", recursive=True)
    store.put_file(given.avatars[0], "/studio/cast/subject.ply")
    remote = replace(given, audio=("memory://studio/lines/*.wav",), out="memory://studio/films")
    remote = replace(remote, avatars=("memory://studio/cast",))
    assert run_batch(remote, here).made == 3
    for path in Path(given.out).glob("*_subject.*"):
        assert store.cat_file(f"/studio/films/{path.name}") == path.read_bytes()
    assert run_batch(remote, here).there == 3
    store.pipe_file("/studio/lines/line0.wav", b"no sound")
    assert run_batch(remote, here).failed == 1
    lines_of = store.cat_file("/studio/films/manifest.jsonl").decode().splitlines()
    (failed,) = [r for r in map(json.loads, lines_of) if r["status"] == "failed"]
    assert failed["error"].startswith("memory:///studio/lines/line0.wav: is not an audio")


def test_a_store_that_refuses_one_job_costs_one_line(
    given: BatchOptions, lines: Path, monkeypatch: pytest.MonkeyPatch
):
    """.. whether its recording cannot be read or its record cannot be written."""
    given = replace(given, make="film", width=16, height=16, out="memory://refusing/films")
    whole_key, put = run.job_key, job.put_bytes

    def key(asked: job.Job) -> str:
        if "line0" in asked.name:
            raise InputError("s3://studio/line0.wav: access is denied")
        return whole_key(asked)

    def refused(content: bytes, place: str, scratch: Path) -> None:
        if "line1" in place:
            raise InputError(f"{place}: access is denied")
        put(content, place, scratch)

    monkeypatch.setattr(run, "job_key", key)
    monkeypatch.setattr(job, "put_bytes", refused)
    done = run_batch(given, here)
    assert (done.made, done.failed) == (1, 2)
    content = fsspec.filesystem("memory").cat_file("/refusing/films/manifest.jsonl")
    errors = [json.loads(line).get("error") for line in content.splitlines()]
    assert errors[0] == "s3://studio/line0.wav: access is denied"
    assert errors[1].endswith("line1_subject.json: access is denied") and errors[2] is None


def test_a_job_without_a_worker_or_a_record_costs_one_line(
    given: BatchOptions, monkeypatch: pytest.MonkeyPatch
):
    def all_die(work: object, tasks):
        for task in tasks:
            yield task, Died("its worker was killed")

    def refused(*_: object) -> None:
        raise InputError("access is denied")

    monkeypatch.setattr(run, "write_record", refused)
    assert run_batch(given, all_die).failed == 3
