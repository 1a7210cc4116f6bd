"""A store that speaks S3, on this machine: batches and trainings read from it and write to it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pose_tracks import write_tracks
from support import write_wav

server = pytest.importorskip("moto.server", reason="moto[server] stands for S3")
s3fs = pytest.importorskip("s3fs", reason="fsspec reaches S3 with it")
pytestmark = pytest.mark.slow


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """An empty bucket "studio", which new processes reach by their environment."""
    s3 = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    s3.start()
    host, port = s3.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("VOICESPLAT_CACHE", str(tmp_path / "cache"))
    s3fs.S3FileSystem.clear_instance_cache()  # they keep the address of another test
    found = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    found.mkdir("studio")
    yield found
    found.rm("studio", recursive=True)
    s3.stop()


def test_a_batch_reads_all_from_a_store_and_writes_all_there(
    store, voice, avatar_file, tmp_path, run_script
):
    def ran(*words: object) -> str:
        done = run_script(*words)
        assert done.status == 0, done.stderr
        return done.stdout

    store.put_file(str(avatar_file), "studio/cast/ann.ply")
    store.put_file(str(write_wav(tmp_path / "a.wav", voice[16_000:20_000])), "studio/lines/a.wav")
    store.pipe_file("studio/lines/b.wav", b"no sound")
    store.pipe_file("studio/films.csv", b"avatar,audio,name\ncast/ann.ply,lines/a.wav,greeting\n")
    batch = ("batch", "--out", "s3://studio/films", "--width", 32, "--height", 32)
    batch += ("--workers", 1, "--shard", "1/1")
    assert "1 made, 0 there before" in ran(*batch, "--table", "s3://studio/films.csv")
    assert store.cat_file("studio/films/greeting.mp4")[4:8] == b"ftyp"
    record = json.loads(store.cat_file("studio/films/.voicesplat/greeting.json"))
    assert record["status"] == "made" and record["audio"] == "s3://studio/lines/a.wav"
    assert "0 made, 1 there before" in ran(*batch, "--table", "s3://studio/films.csv")
    store.put_file(str(write_wav(tmp_path / "a.wav", voice[20_000:24_000])), "studio/lines/a.wav")
    all_of_them = ("--avatars", "s3://studio/cast/*.ply", "--audio", "s3://studio/lines")
    with pytest.raises(AssertionError, match=r"failed: b_ann: s3://studio/lines/b\.wav: is not an"):
        ran(*batch, *all_of_them)
    lines = store.cat_file("studio/films/manifest.jsonl").splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["made", "failed"]
    assert "1 made, 0 there before" in ran(*batch, "--table", "s3://studio/films.csv")


def test_a_training_reads_from_a_store_and_keeps_its_state_there(store, tmp_path, run_script):
    store.put(str(write_tracks(tmp_path / "tracks", 2)), "studio/tracks", recursive=True)
    train = (
        "train pose",
        "--data",
        "s3://studio/tracks",
        "--out",
        "s3://studio/runs/pose.safetensors",
    )
    train += ("--held-out", "0", "--device", "cpu", "--net.width", 16, "--train.batch", 8)
    done = run_script(*train, "--train.steps", 4, "--train.save-every", 2)
    assert "put to s3://studio/runs/pose.safetensors" in done.stdout, done.stderr
    assert store.size("studio/runs/pose.safetensors") > 0
    assert [name for name in store.ls("studio/runs") if name.endswith(".log.jsonl")]
