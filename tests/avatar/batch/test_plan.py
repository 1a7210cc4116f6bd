"""Options, folders and tables become jobs."""

from dataclasses import replace
from pathlib import Path

import pytest

from avatar.batch.jobs import planned
from avatar.batch.options import BatchOptions
from common.errors import InputError


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    for name in ("cast/ann.ply", "cast/bob.glb", "cast/carl/point_cloud.ply", "cast/notes.txt"):
        _touch(tmp_path / name)
    for name in ("lines/a/one.wav", "lines/b/one.flac", "lines/two.MP3", "lines/.cache/x.wav"):
        _touch(tmp_path / name)
    return tmp_path


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")


def names(options: BatchOptions) -> list[str]:
    return sorted(job.name for job in planned(options, 1))


def test_every_recording_meets_every_avatar(studio: Path):
    options = BatchOptions(avatars=(f"{studio}/cast",), audio=(f"{studio}/lines",), out="out")
    assert names(options) == [
        f"{line}_{avatar}"
        for line in ("a/one", "b/one", "two")
        for avatar in ("ann", "bob", "carl")
    ]
    jobs = {job.name: job for job in planned(options, 1)}
    assert jobs["two_carl"].avatar == f"{studio}/cast/carl"  # with all that lies beside it
    assert jobs["a/one_ann"].output("film") == "out/a/one_ann.mp4"
    few = replace(options, audio=(f"{studio}/lines/*/*.wav",), avatars=(f"{studio}/cast/ann.ply",))
    assert names(few) == ["a/one_ann"]


def test_only_a_file_of_that_very_name_is_its_folder(studio: Path):
    _touch(studio / "cast/my_point_cloud.ply")
    options = BatchOptions(avatars=(f"{studio}/cast",), audio=(f"{studio}/lines",), out="out")
    avatars = {job.avatar for job in planned(options, 1)}
    assert {f"{studio}/cast/my_point_cloud.ply", f"{studio}/cast/carl"} < avatars


def test_the_files_that_a_table_names_are_beside_it(studio: Path):
    for name in ("skin.png", "path.json", "sky.hdr", "mood.json"):
        _touch(studio / name)
    table = studio / "films.csv"
    table.write_text(
        "avatar,audio,texture,landmarks,camera,light,emotion\n"
        "cast/bob.glb,lines/two.MP3,skin.png,/elsewhere/face.json,path.json,sky.hdr,mood.json\n"
        "cast/ann.ply,lines/two.MP3,,,orbit,studio,happy\n"
    )
    first, second = planned(BatchOptions(table=str(table), out="out"), 1)
    assert first.options["texture"] == studio / "skin.png"
    assert first.options["landmarks"] == Path("/elsewhere/face.json")
    assert first.options["camera"] == f"{studio}/path.json"
    assert first.options["light"] == f"{studio}/sky.hdr"
    assert first.options["emotion"] == f"{studio}/mood.json"
    assert [second.options[name] for name in ("camera", "light", "emotion")] == (
        ["orbit", "studio", "happy"]
    )


def test_a_table_names_films_and_their_options(studio: Path):
    table = studio / "films.csv"
    table.write_text(
        "avatar,audio,name,emotion,light-turn,still,fps\n"
        "cast/ann.ply,lines/two.MP3,greeting,happy,30,,\n"
        "cast/bob.glb,lines/a/one.wav,,,,yes,29.97\n"
    )
    options = BatchOptions(table=str(table), out="out", emotion="sad", width=64)
    first, second = planned(options, 1)
    assert (first.name, second.name) == ("greeting", "one_bob")
    assert first.avatar == f"{studio}/cast/ann.ply" and first.audio == f"{studio}/lines/two.MP3"
    assert (first.options["emotion"], first.options["light_turn"]) == ("happy", 30.0)
    assert (first.options["still"], first.options["width"]) == (False, 64)
    assert (second.options["emotion"], second.options["still"]) == ("sad", True)
    assert second.options["fps"] == 29.97


def test_a_table_without_avatars_goes_with_all(studio: Path):
    table = studio / "films.csv"
    table.write_text("audio,take\nlines/two.MP3,3\n")
    options = BatchOptions(table=str(table), out="out", avatars=(f"{studio}/cast/*.*",))
    assert names(options) == ["two_ann", "two_bob"]
    assert {job.options["take"] for job in planned(options, 1)} == {3}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("audio,colour\na,b\n", "no option is called 'colour'; known columns: avatar, audio, name"),
        ("audio,take,take\na,1,2\n", "two columns 'take'"),
        ("avatar,audio,take\na,b,often\n", "line 2, take: 'often' is not a number"),
        ("avatar,audio,style\na,b,shy\n", "line 2, style: 'shy' is none of reader"),
        ("avatar,audio,still\na,b,maybe\n", "line 2, still: 'maybe' is neither yes nor no"),
        ("avatar,audio\na,b\na\n", "line 3: has not as many cells"),
        ("avatar,audio\na,b,c\n", "line 2: has not as many cells"),
        ("avatar,audio\n", "has no rows"),
        ("avatar,audio\na,x/b\na,y/b\n", "would both be called b_a"),
        ("avatar,audio,name\na,b,../c\n", "is no name of an output"),
        ("audio\nb\n", "a row names no avatar; give one, or --avatars"),
    ],
)
def test_tables_that_say_nothing_usable_are_told(tmp_path: Path, table: str, said: str):
    (tmp_path / "films.csv").write_text(table)
    with pytest.raises(InputError, match=said):
        planned(BatchOptions(table=str(tmp_path / "films.csv"), out="out"), 1)


def test_what_finds_nothing_is_told(studio: Path):
    options = BatchOptions(avatars=(f"{studio}/cast",), audio=(f"{studio}/cast",), out="out")
    with pytest.raises(InputError, match="holds none of"):
        planned(options, 1)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        planned(replace(options, audio=(f"{studio}/nowhere",)), 1)
    twice = replace(options, audio=(f"{studio}/lines/a", f"{studio}/lines/b"))
    with pytest.raises(InputError, match="would both be called one_ann"):
        planned(twice, 1)
