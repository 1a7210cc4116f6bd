"""What a file of ours says of itself, signed: in the file where its format can hold it, else in one
beside it."""

import hashlib
import mimetypes
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from avatar.avatar_io.open_avatar import read_facts
from avatar.trust.consent import NOT_STATED
from avatar.trust.signer import Signer, library, signer_of
from common import VERSION
from common.atomic import write_beside
from common.claimed_folder import file_digest
from common.errors import InputError

EMBEDS = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
}
"""Formats that hold a manifest themselves."""
SIDECAR = ".c2pa"
ANY = "application/octet-stream"
PROGRAM = "VoiceSplat"
MADE = "org.voicesplat.made"
"""The label of our own assertion: inputs with their hashes, and options."""
SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
COMPOSITE, TRAINED = "compositeSynthetic", "trainedAlgorithmicMedia"
"""IPTC's digital source types: with recorded parts, and without."""
INPUTS = (
    "avatar",
    "audio",
    "film",
    "arkit",
    "motion",
    "capture",
    "mesh",
    "photo",
    "background",
)
AT_REST = ("avatar", "mesh")  # inputs that are not recordings
UNSAID = ("sign", "out", "export", "report", "save_motion", "device", "threads", "port")
SIGNED = f"signed with content credentials by {PROGRAM}"
"""What the metadata of a film say, so that it is seen where credentials were taken away."""
SETTINGS = {"builder": {"thumbnail": {"enabled": False}}}


@dataclass(frozen=True)
class Seal:
    """What is signed, and by whom."""

    signer: Signer
    inputs: Mapping[str, Path]  # by the names of their options
    options: Mapping[str, Any]


def seal_of(options: Any) -> Seal | None:
    """The seal of what these options, a dataclass with SignOptions, make; None where nothing is
    signed. InputError or FileNotFoundError, also where the certificate cannot sign."""
    signer = signer_of(options.sign)
    if signer is None:
        return None
    given = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in UNSAID}
    inputs = {name: path for key in INPUTS for name, path in _files(key, given.get(key))}
    defaults = {f.name: f.default for f in fields(options)}
    said = {
        name: _plain(value)
        for name, value in given.items()
        if name not in inputs and name != "photo" and value != defaults.get(name, MISSING)
    }
    seal = Seal(signer, inputs, said)
    _try(seal, options.sign)
    return seal


def _files(name: str, value: Any) -> Iterator[tuple[str, Path]]:
    """The files of an option, numbered where there are several."""
    several = value if isinstance(value, tuple) else (value,)
    for number, path in enumerate(several, start=1):
        if isinstance(path, Path | str) and Path(path).exists():
            yield f"{name}_{number}" if len(several) > 1 else name, Path(path)


def _plain(value: Any) -> Any:
    """A value for JSON; of paths only the name."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.name if isinstance(value, Path) else value


def _try(seal: Seal, sign: tuple[str, ...]) -> None:
    try:
        with tempfile.TemporaryFile() as nothing:
            nothing.write(b"a trial")
            _signed(Seal(seal.signer, {}, {}), ANY, nothing, embed=False)
    except library().C2paError as error:
        said = " ".join(str(error).split())
        raise InputError(f"--sign {sign[0] if sign else ''}: cannot sign ({said})") from None


def sign_output(path: Path, seal: Seal | None) -> None:
    """Sign a file, or every file of a folder; nothing without a seal."""
    if seal is None:
        return
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        kind = EMBEDS.get(file.suffix.lower())
        with file.open("rb") as plain:
            if kind is None:
                content = _signed(seal, ANY, plain, embed=False)
                with write_beside(sidecar_of(file)) as partial:
                    partial.write_bytes(content)
            else:
                with write_beside(file) as partial, partial.open("w+b") as whole:
                    _signed(seal, kind, plain, whole)


def sidecar_of(path: Path) -> Path:
    """The name of the manifest beside a file."""
    return path.with_name(path.name + SIDECAR)


def _signed(seal: Seal, kind: str, plain: Any, whole: Any = None, embed: bool = True) -> bytes:
    """Write a signed copy; the manifest's bytes."""
    c2pa, signer = library(), seal.signer
    info = c2pa.C2paSignerInfo(signer.algorithm, signer.chain.encode(), signer.key.encode(), None)
    with (
        c2pa.Context.from_dict(SETTINGS) as context,
        c2pa.Signer.from_info(info) as signing,
        c2pa.Builder(manifest(seal), context=context) as builder,
        tempfile.TemporaryFile() as copy,
    ):
        if not embed:
            builder.set_no_embed()
        return builder.sign(signing, kind, plain, whole or copy)


def manifest(seal: Seal) -> dict[str, Any]:
    """The manifest's definition, as c2pa takes it."""
    inputs = {name: _told(name, path) for name, path in seal.inputs.items()}
    recorded = any(name.split("_")[0] not in AT_REST for name in inputs)
    program = {"name": PROGRAM, "version": VERSION}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE + (COMPOSITE if recorded else TRAINED),
        "softwareAgent": program,
    }
    ingredients = {
        told["sha256"]: {
            "title": told["name"],
            "format": mimetypes.guess_type(told["name"])[0] or ANY,
            "instance_id": f"sha256:{told['sha256']}",
            "relationship": "inputTo",
        }
        for told in inputs.values()
    }
    return {
        "claim_generator_info": [program],
        "ingredients": list(ingredients.values()),
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [created]}},
            {"label": MADE, "data": {"inputs": inputs, "options": dict(seal.options)}},
        ],
    }


def _told(name: str, path: Path) -> dict[str, str]:
    """Name and hash of an input; of an avatar also its origin and consent."""
    told = {"name": path.name, "sha256": _digest(path)}
    if name == "avatar":
        facts = read_facts(path)
        told |= {"made_from": facts.origin, "consent": facts.consent or NOT_STATED}
    return told


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of a folder's names and hashes."""
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file())
        listed = "".join(f"{_digest(file)} {file.relative_to(path)}\n" for file in inside)
        return hashlib.sha256(listed.encode()).hexdigest()
    return file_digest(path)
