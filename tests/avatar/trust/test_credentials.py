"""Content credentials: what is signed, what is read of it, and what is said of files that were
changed, stripped, made by others, or never signed."""

import io
import json
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batches import here
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from films import write_film, write_sound
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from support import python

from avatar.avatar_io.avatar_file import load_avatar, save_avatar
from avatar.batch.options import BatchOptions
from avatar.batch.run import run_batch
from avatar.drive.drive import drive
from avatar.drive.export import export, export_gaussians
from avatar.drive.options import DriveOptions, ExportOptions
from avatar.trust.manifest import MADE, Seal, seal_of, sidecar_of, sign_output
from avatar.trust.signer import CERT, KEY, library, signer_of
from avatar.trust.verify import verify
from avatar.video.reader import film_info
from common import VERSION
from common.assets import DEMO_AVATAR
from common.cache import cache_folder
from common.errors import InputError

CONSENT = "Zoë, for lessons, until 2099-12-31"
UNCHANGED = "It was not changed since it was signed."


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An avatar that says who agreed, and a voice."""
    folder = tmp_path_factory.mktemp("inputs")
    avatar = replace(load_avatar(DEMO_AVATAR), origin="a photo, by X on 2026-01-01")
    save_avatar(folder / "me.ply", replace(avatar, consent=CONSENT))
    noise = 0.1 * np.random.default_rng(0).standard_normal((3200, 1))
    return folder / "me.ply", write_sound(folder / "voice.flac", noise, 16_000)


@pytest.fixture
def options(inputs: tuple[Path, Path], tmp_path: Path) -> Callable[..., DriveOptions]:
    avatar, voice = inputs
    size = {"width": 32, "height": 32, "sign": ("local",)}
    return lambda name, **more: DriveOptions(
        avatar, audio=voice, out=tmp_path / name, **(size | more)
    )


@pytest.fixture
def seal(options: Callable[..., DriveOptions]) -> Seal:
    found = seal_of(options("unused.mp4"))
    assert found
    return found


def told(path: Path, trust: Path | None = None) -> str:
    return "\n".join(verify(path, trust).sentences)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mov", "frames"])
def test_a_film_says_who_made_it_of_what_and_who_agreed(
    options: Callable[..., DriveOptions], name: str, capfd: pytest.CaptureFixture[str]
):
    made = options(name)
    drive(made)
    assert f"consent: {CONSENT}" in capfd.readouterr().err
    assert made.out
    file = made.out / "frame_000003.png" if name == "frames" else made.out
    assert sidecar_of(file).exists() == (name == "a.webm")
    said = told(file)
    for words in (
        f"{file}: made by VoiceSplat {VERSION}.",
        "(compositeSynthetic)",
        "Of the avatar me.ply (sha256 ",
        "made from a photo, by X on 2026-01-01.",
        f"Consent: {CONSENT}.",
        "Of the audio voice.flac (sha256 ",
        "width 32",
        UNCHANGED,
        "a certificate that somebody's own machine made: it is not trusted",
    ):
        assert words in said
    assert str(file.parent) not in said.replace(str(file), "")
    if name != "frames":
        assert film_info(file).width == 32  # signing left it whole


def test_the_librarys_own_reader_in_another_process_validates_it(
    options: Callable[..., DriveOptions],
):
    made = options("a.mp4")
    drive(made)
    code = (
        f"import c2pa; r = c2pa.Reader({str(made.out)!r}); v = r.get_validation_results();"
        "print(r.get_validation_state(), [f['code'] for f in v['activeManifest']['failure']])"
    )
    assert python(code).strip() == "Valid ['signingCredential.untrusted']"


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov"])
def test_a_byte_of_the_media_that_changed_is_found(tmp_path: Path, seal: Seal, suffix: str):
    film = write_film(tmp_path / f"film{suffix}", 5)
    sign_output(film, seal)
    assert UNCHANGED in told(film)
    content = bytearray(film.read_bytes())
    content[-40] ^= 1
    film.write_bytes(content)
    found = verify(film)
    assert found.changed
    assert "It was changed since it was signed" in "\n".join(found.sentences)
    assert UNCHANGED not in "\n".join(found.sentences)


def test_claims_that_were_changed_are_found(tmp_path: Path, seal: Seal):
    film = write_film(tmp_path / "film.webm", 5)
    sign_output(film, seal)
    beside = sidecar_of(film)
    beside.write_bytes(beside.read_bytes().replace(b"for lessons", b"for parties"))
    found = verify(film)
    assert found.changed and "Its content credentials were changed" in "\n".join(found.sentences)


def test_a_film_whose_credentials_were_taken_away_says_so(
    options: Callable[..., DriveOptions], tmp_path: Path
):
    for name in ("a.webm", "frames"):
        drive(options(name))
    sidecar_of(tmp_path / "a.webm").unlink()
    with Image.open(tmp_path / "frames" / "frame_000001.png") as opened:
        text = PngInfo()
        text.add_text("Comment", opened.info["Comment"])
        opened.save(tmp_path / "again.png", pnginfo=text)
    for path in (tmp_path / "a.webm", tmp_path / "again.png"):
        said = told(path)
        assert "says that it was signed by VoiceSplat, but its content credentials are gone" in said


def test_the_credentials_of_others_are_told_as_theirs(tmp_path: Path, seal: Seal):
    path = tmp_path / "camera.png"
    Image.new("RGB", (8, 8)).save(path)
    signed_by_others(path, seal, {"name": "Other\x1b[31m Camera", "version": "3"})
    said = told(path)
    assert "not made by VoiceSplat, but by Other\N{REPLACEMENT CHARACTER}[31m Camera 3." in said
    assert "(digitalCapture)" in said and UNCHANGED in said and "Options" not in said


def signed_by_others(
    path: Path, seal: Seal, program: dict[str, str], *assertions: dict[str, Any]
) -> None:
    """Sign a .png by the library alone."""
    c2pa, signer = library(), seal.signer
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]}
    made = {"label": "c2pa.actions.v2", "data": actions}
    definition = {"claim_generator_info": [program], "assertions": [made, *assertions]}
    info = c2pa.C2paSignerInfo(signer.algorithm, signer.chain.encode(), signer.key.encode(), None)
    whole = io.BytesIO()
    with c2pa.Signer.from_info(info) as signing, c2pa.Builder(definition) as builder:
        builder.sign(signing, "image/png", io.BytesIO(path.read_bytes()), whole)
    path.write_bytes(whole.getvalue())


def test_files_that_say_nothing(tmp_path: Path):
    film = write_film(tmp_path / "film.mp4", 2)
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png")
    (tmp_path / "note.txt").write_text("hello")
    (tmp_path / "empty.webm").write_bytes(b"")
    for path in (film, *(tmp_path / n for n in ("picture.png", "note.txt", "empty.webm"))):
        found = verify(path)
        assert not found.changed
        assert found.sentences == [
            f"{path}: has no content credentials, and says nothing of its origin."
        ]


def test_an_authority_that_is_trusted(tmp_path: Path, seal: Seal):
    film, anchors = write_film(tmp_path / "film.mp4", 2), tmp_path / "authority.pem"
    sign_output(film, seal)
    anchors.write_text("-----BEGIN" + seal.signer.chain.split("-----BEGIN")[2])
    assert "for whom an authority vouches that you trust" in told(film, anchors)
    anchors.write_text("hello")
    with pytest.raises(InputError, match=r"--trust holds no certificate"):
        verify(film, anchors)


def test_scenes_and_motion_have_theirs_beside_them(inputs: tuple[Path, Path], tmp_path: Path):
    avatar, voice = inputs
    face, talk = tmp_path / "face.spz", tmp_path / "talk.csv"
    export_gaussians(ExportOptions(face, avatar=avatar, sign=("local",)))
    export(ExportOptions(talk, audio=voice, sign=("local",)))
    assert "(trainedAlgorithmicMedia)" in told(face) and f"Consent: {CONSENT}" in told(face)
    assert "(compositeSynthetic)" in told(talk) and UNCHANGED in told(talk)
    face.write_bytes(face.read_bytes()[:-1] + b"x")
    assert "It was changed since it was signed" in told(face)


def test_broken_credentials_give_sentences(tmp_path: Path, seal: Seal):
    """Bytes overwritten, cut out and doubled anywhere in a manifest, beside a file and in one."""
    film, picture = write_film(tmp_path / "film.webm", 2), tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(picture)
    for path in (film, picture):
        sign_output(path, seal)
    chance, changed = random.Random(0), 0
    for target, shown in ((sidecar_of(film), film), (picture, picture)):
        whole = target.read_bytes()
        for _ in range(150):
            at, length = chance.randrange(len(whole)), chance.choice([1, 4, 100])
            middle = chance.choice([b"", chance.randbytes(length), whole[at : at + length] * 2])
            target.write_bytes(whole[:at] + middle + whole[at + length :])
            found = verify(shown)
            assert all(sentence and "\n" not in sentence for sentence in found.sentences)
            changed += found.changed
    assert changed > 250


@pytest.mark.parametrize("told_in_it", [[], {"inputs": 3}, {"inputs": {"avatar": [1]}}, "text"])
def test_manifests_of_odd_shapes_give_sentences(tmp_path: Path, seal: Seal, told_in_it: Any):
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(path)
    program = {"name": "VoiceSplat", "version": "9"}
    signed_by_others(path, seal, program, {"label": MADE, "data": told_in_it})
    found = verify(path)
    assert f"{path}: made by VoiceSplat 9." in found.sentences and not found.changed


def test_the_environment_names_who_signs(
    options: Callable[..., DriveOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    signer_of(["local"])
    kept = cache_folder() / "credentials"
    monkeypatch.setenv(CERT, str(kept / "certificate.pem"))
    monkeypatch.setenv(KEY, str(kept / "key.pem"))
    drive(options("a.mp4", sign=()))
    assert UNCHANGED in told(tmp_path / "a.mp4")
    monkeypatch.delenv(CERT)
    with pytest.raises(InputError, match="--sign: name two files"):
        signer_of([])
    monkeypatch.delenv(KEY)
    assert signer_of([]) is None


def test_the_key_is_nowhere_to_be_seen(
    options: Callable[..., DriveOptions], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    made = options("a.mp4")
    report = drive(made)
    signer = signer_of(["local"])
    assert signer
    secret = "".join(signer.key.splitlines()[1:-1])[60:100]
    shown = capfd.readouterr()
    texts = (shown.out, shown.err, repr(report), repr(seal_of(made)), told(tmp_path / "a.mp4"))
    assert all(secret not in text and "PRIVATE" not in text for text in texts)
    assert secret.encode() not in (tmp_path / "a.mp4").read_bytes()
    assert (cache_folder() / "credentials" / "key.pem").stat().st_mode & 0o777 == 0o600


def test_signing_costs_little(tmp_path: Path, seal: Seal):
    """A file as large as ten minutes of film are."""
    large = tmp_path / "large.spz"
    large.write_bytes(os.urandom(100 << 20))
    started = time.process_time()
    sign_output(large, seal)
    assert time.process_time() - started < 3


def pem_files(folder: Path, **keys: Any) -> dict[str, Path]:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    for name, key in keys.items():
        secret = serialization.NoEncryption()
        if name == "locked":
            secret = serialization.BestAvailableEncryption(b"word")
        (folder / f"{name}.pem").write_bytes(key.private_bytes(*form, secret))
    return {name: folder / f"{name}.pem" for name in keys}


def test_certificates_that_are_of_no_use(tmp_path: Path):
    signer_of(["local"])
    kept = cache_folder() / "credentials"
    certificate, key = kept / "certificate.pem", kept / "key.pem"
    note = tmp_path / "note.pem"
    note.write_text("hello")
    other = ec.generate_private_key(ec.SECP256R1())
    files = pem_files(tmp_path, other=other, locked=other)
    for words, said in (
        ((note, key), "note.pem: is no certificate"),
        ((certificate, note), "note.pem: is no private key"),
        ((certificate, files["locked"]), "locked.pem: is no private key in PEM without a"),
        ((certificate, files["other"]), "other.pem: is not the private key of"),
        ((certificate,), "--sign: name two files"),
    ):
        with pytest.raises(InputError, match=r"^[^\n]*$") as refused:
            signer_of([str(word) for word in words])
        assert said in str(refused.value)
    with pytest.raises(FileNotFoundError):
        signer_of([str(tmp_path / "gone.pem"), str(key)])


def test_a_certificate_for_other_purposes_is_refused_before_the_work(
    options: Callable[..., DriveOptions], tmp_path: Path
):
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    certificate = tmp_path / "web.pem"
    signed = built.sign(key, hashes.SHA256())
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files = pem_files(tmp_path, own=key)
    with pytest.raises(InputError, match=r"^[^\n]*: cannot sign \([^\n]*\)$"):
        drive(options("a.mp4", sign=(str(certificate), str(files["own"]))))
    assert not (tmp_path / "a.mp4").exists()


def test_without_the_package_there_is_one_sentence(
    options: Callable[..., DriveOptions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    film = write_film(tmp_path / "film.mp4", 2)
    for work in (lambda: verify(film), lambda: drive(options("a.mp4"))):
        with pytest.raises(InputError, match="pip install c2pa-python"):
            work()
    assert not (tmp_path / "a.mp4").exists()


def test_a_batch_signs_and_keeps_the_key_out_of_its_records(
    inputs: tuple[Path, Path], tmp_path: Path
):
    avatar, voice = inputs
    batch = BatchOptions(
        avatars=(str(avatar),),
        audio=(str(voice),),
        out=str(tmp_path / "films"),
        film_format="webm",
        width=32,
        height=32,
        sign=("local",),
        require_consent=True,
    )
    assert run_batch(batch, here).made == 1
    (film,) = (tmp_path / "films").glob("*.webm")
    assert UNCHANGED in told(film)
    records = [json.loads(line) for line in (tmp_path / "films/manifest.jsonl").open()]
    assert "sign" not in records[0]["options"]
    refused = replace(batch, avatars=(str(DEMO_AVATAR),))
    assert run_batch(refused, here).failed == 1
    last = json.loads((tmp_path / "films/manifest.jsonl").read_text().splitlines()[-1])
    assert "does not say that its person agreed" in last["error"]
