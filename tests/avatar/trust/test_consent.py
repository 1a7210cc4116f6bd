"""Who agreed to an avatar: read, kept in its file whatever is written of it, and asked for."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from glb_files import read_glb

from avatar.avatar_io.avatar_file import load_avatar, provenance_of, save_avatar
from avatar.avatar_io.open_avatar import Facts, convert, open_avatar, read_facts
from avatar.avatar_io.options import ConvertOptions
from avatar.drive.export import export_gaussians
from avatar.drive.options import ExportOptions, ViewOptions
from avatar.drive.view import view_page
from avatar.rigging.avatar import Avatar
from avatar.trust.consent import check_consent, consent_line, consent_of, ended
from common.errors import InputError
from configs.commands import make

SAID = 'Zoë "Z" Müller, our lessons, until 2099-12-31'
ORIGIN = "a photo, by VoiceSplat 1.0 on 2026-11-22"


@pytest.fixture
def avatar(small_avatar: Avatar, tmp_path: Path) -> Path:
    save_avatar(tmp_path / "me.ply", replace(small_avatar, origin=ORIGIN, consent=SAID))
    return tmp_path / "me.ply"


def test_an_avatar_file_keeps_it(avatar: Path, small_avatar: Avatar, tmp_path: Path):
    assert (load_avatar(avatar).origin, load_avatar(avatar).consent) == (ORIGIN, SAID)
    assert read_facts(avatar) == Facts(ORIGIN, SAID)
    save_avatar(tmp_path / "plain.ply", small_avatar)
    assert read_facts(tmp_path / "plain.ply") == Facts("", "")
    assert b"consent" not in (tmp_path / "plain.ply").read_bytes()
    assert provenance_of(["consent no JSON", "made_from x"]) == ("x", "no JSON")


def test_conversion_keeps_it_both_ways_and_can_replace_it(avatar: Path, tmp_path: Path):
    folder, back = tmp_path / "folder", tmp_path / "back.ply"
    convert(ConvertOptions(avatar, folder))
    assert read_facts(folder) == read_facts(folder / "point_cloud.ply") == Facts(ORIGIN, SAID)
    convert(ConvertOptions(folder, back))
    assert open_avatar(back).consent == SAID and open_avatar(back).origin == ORIGIN
    convert(ConvertOptions(back, tmp_path / "again.ply"), consent="Zoë, until 2030-01-01")
    assert read_facts(tmp_path / "again.ply") == Facts(ORIGIN, "Zoë, until 2030-01-01")


def test_exports_and_pages_keep_it(avatar: Path, tmp_path: Path):
    for name in ("face.ply", "face.glb"):
        export_gaussians(ExportOptions(tmp_path / name, avatar=avatar))
    assert read_facts(tmp_path / "face.ply") == Facts(ORIGIN, SAID)
    said = read_glb(tmp_path / "face.glb").content["asset"]["extras"]["provenance"]
    assert provenance_of(said) == (ORIGIN, SAID)
    page = view_page(ViewOptions(avatar)).decode()
    assert f"synthetic: an avatar made from {ORIGIN}; consent: Zoë &quot;Z&quot; Müller" in page


def test_a_text_or_a_file(tmp_path: Path):
    assert consent_of("  Zoë,\n films ") == "Zoë, films"
    (tmp_path / "consent.txt").write_text("Zoë\nagreed", "utf-8")
    assert consent_of(str(tmp_path / "consent.txt")) == "Zoë agreed"
    (tmp_path / "picture").write_bytes(b"\xff\xfe\xfa")
    for given, said in (
        (" ", "is empty"),
        ("x" * 1001, "has 1001 characters"),
        ("Zoë, until 2027-02-30", "2027-02-30 is no day"),
        (str(tmp_path / "picture"), "is no text"),
    ):
        with pytest.raises(InputError, match=said):
            consent_of(given)


def test_a_consent_that_is_over():
    assert ended("Zoë, until 2001-01-01") and not ended(SAID) and not ended("Zoë, films")
    assert consent_line("Zoë, until 2001-01-01").endswith("(this is over)")
    assert consent_line("") == "consent: not stated"
    check_consent(SAID, "me.ply")
    for consent, said in (("", "does not say"), ("until 2001-01-01", "ended on 2001-01-01")):
        with pytest.raises(InputError, match=f"me.ply: .*{said}"):
            check_consent(consent, "me.ply")


@pytest.mark.parametrize(
    ("given", "terminal", "typed", "wanted"),
    [
        ("Zoë, films", True, "", "Zoë, films"),
        (None, True, "Zoë, until 2030-01-01\n", "Zoë, until 2030-01-01"),
        (None, True, "\n", ""),
        (None, True, "", ""),
        (None, False, "Zoë\n", ""),
    ],
)
def test_who_makes_an_avatar_is_asked_in_a_terminal(
    given: str | None, terminal: bool, typed: str, wanted: str, monkeypatch: pytest.MonkeyPatch
):
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setattr(make.sys, "stdin", Stream(typed))
    monkeypatch.setattr(make.sys, "stderr", Stream())
    assert make._consent(given) == wanted
