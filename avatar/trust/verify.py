"""What a file says of itself, and whether it was changed since, in sentences.

What is read was written by anybody: only text of a bounded length is repeated, without control
characters, and whatever is no text is left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar.avatar_io.open_avatar import read_facts
from avatar.geometry.picture_file import picture_comment
from avatar.trust.consent import NOT_STATED, consent_line
from avatar.trust.manifest import ANY, MADE, PROGRAM, SIGNED, SOURCE, sidecar_of
from avatar.trust.signer import LOCAL_NAME, library
from avatar.video.output import film_comment
from common.errors import InputError, check_file

LONGEST = 1000  # characters of a text that is repeated
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
KINDS = {
    "compositeSynthetic": "it has synthetic parts beside recorded ones",
    "trainedAlgorithmicMedia": "it is synthetic, made by a trained model",
    "compositeWithTrainedAlgorithmicMedia": "parts of it were made by a trained model",
    "algorithmicMedia": "it is synthetic",
    "digitalCapture": "it was captured by a camera or a microphone",
}
"""IPTC's digital source types in words."""
UNTRUSTED = "signingCredential.untrusted"


@dataclass(frozen=True)
class Verdict:
    """What was found."""

    sentences: list[str]
    changed: bool  # the file, or its credentials, since they were signed


def verify(path: Path, trust: Path | None = None) -> Verdict:
    """Read a file and its credentials. Raises FileNotFoundError or InputError."""
    check_file(path)
    anchors = _anchors(trust) if trust else None
    facts = list(_of_avatar(path))
    try:
        found = _read(path, anchors)
    except library().C2paError:
        return Verdict([*facts, f"{path}: its content credentials are damaged."], True)
    if found is None:
        return Verdict([*facts, _unsigned(path, bool(facts))], False)
    store, state, codes = found
    active = _dict(_dict(store.get("manifests")).get(_text(store.get("active_manifest"))))
    changed = state not in ("Valid", "Trusted")
    said = [*_made(path, active), *facts, _integrity(codes, changed), _signer(active, codes)]
    return Verdict(said, changed)


def _anchors(path: Path) -> dict[str, Any]:
    check_file(path)
    content = path.read_text("ascii", "replace")
    if "BEGIN CERTIFICATE" not in content:
        raise InputError(f"{path}: --trust holds no certificate; name a file in PEM")
    return {"trust": {"user_anchors": content}}


def _read(
    path: Path, anchors: dict[str, Any] | None
) -> tuple[dict[str, Any], str, set[str]] | None:
    """The manifests of a file, whether they hold, and the codes of what does not; None where there
    are none."""
    c2pa, beside = library(), sidecar_of(path)
    settings = {"verify": {"remote_manifest_fetch": False}, **(anchors or {})}
    with c2pa.Context.from_dict(settings) as context, path.open("rb") as file:
        if beside.is_file():
            reader = c2pa.Reader(ANY, file, beside.read_bytes(), context=context)
        else:
            try:
                reader = c2pa.Reader.try_create(None, file, context=context)
            except c2pa.C2paError.NotSupported:
                return None
        if reader is None:
            return None
        with reader:
            results = _dict(_dict(reader.get_validation_results()).get("activeManifest"))
            failures = results.get("failure")
            listed = failures if isinstance(failures, list) else []
            codes = {_text(_dict(failure).get("code")) for failure in listed}
            return _dict(json.loads(reader.json())), str(reader.get_validation_state()), codes


def _of_avatar(path: Path) -> Iterator[str]:
    """What an avatar's file says by itself."""
    facts = read_facts(path)
    if facts.origin or facts.consent:
        yield f"{path}: an avatar made from {_text(facts.origin) or 'what it does not say'}."
        yield _sentence(consent_line(_text(facts.consent)))


def _unsigned(path: Path, tells: bool) -> str:
    """tells: whether it says something of itself nevertheless."""
    if tells:
        return "It has no content credentials: nobody can tell whether it was changed."
    comment = _text(film_comment(path) or picture_comment(path))
    if SIGNED in comment:
        return (
            f"{path}: says that it was signed by {PROGRAM}, but its content credentials are gone: "
            "they were taken away, or another program saved it again."
        )
    told = f"; its metadata say: {comment}" if comment else ", and says nothing of its origin"
    return f"{path}: has no content credentials{told}."


def _made(path: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Who made it, of what kind it is, and of ours what went into it."""
    assertions = {
        _text(each.get("label")): _dict(each.get("data"))
        for each in map(_dict, _list(manifest.get("assertions")))
    }
    maker = _maker(manifest)
    own = maker.startswith(f"{PROGRAM} ")
    yield f"{path}: made by {maker}." if own else f"{path}: not made by {PROGRAM}, but by {maker}."
    for actions in (data for label, data in assertions.items() if label.startswith("c2pa.actions")):
        for action in map(_dict, _list(actions.get("actions"))):
            kind = _text(action.get("digitalSourceType")).removeprefix(SOURCE)
            if kind:
                yield f"It says of itself: {KINDS.get(kind, 'its source type')} ({kind})."
    if own:
        yield from _inputs(assertions.get(MADE, {}))


def _maker(manifest: Mapping[str, Any]) -> str:
    infos = _list(manifest.get("claim_generator_info"))
    info = _dict(infos[0]) if infos else {}
    named = " ".join(filter(None, (_text(info.get("name")), _text(info.get("version")))))
    return named or _text(manifest.get("claim_generator")) or "a program that it does not name"


def _inputs(made: Mapping[str, Any]) -> Iterator[str]:
    for name, told in _dict(made.get("inputs")).items():
        told = _dict(told)
        origin = _text(told.get("made_from"))
        yield (
            f"Of the {_text(name)} {_text(told.get('name'))} (sha256 {_text(told.get('sha256'))})"
            + (f", made from {origin}." if origin else ".")
        )
        if "consent" in told:
            consent = _text(told["consent"])
            yield _sentence(consent_line("" if consent == NOT_STATED else consent))
    if options := _dict(made.get("options")):
        listed = (f"{_text(name)} {_text(json.dumps(value))}" for name, value in options.items())
        yield f"Options: {', '.join(listed)}."


def _integrity(codes: set[str], changed: bool) -> str:
    if not changed:
        return "It was not changed since it was signed."
    if any(code.endswith("Hash.mismatch") for code in codes):
        return "It was changed since it was signed: what it says may not be true of it any more."
    said = ", ".join(sorted(codes - {UNTRUSTED, ""})) or "they do not hold"
    return f"Its content credentials were changed since they were signed ({said})."


def _signer(manifest: Mapping[str, Any], codes: set[str]) -> str:
    info = _dict(manifest.get("signature_info"))
    names = dict.fromkeys((_text(info.get("common_name")), _text(info.get("issuer"))))
    named = ", ".join(filter(None, names)) or "somebody without a name"
    if UNTRUSTED not in codes:
        return f"Signed by {named}, for whom an authority vouches that you trust."
    if LOCAL_NAME in named:
        return "Signed with a certificate that somebody's own machine made: it is not trusted."
    return f"Signed by {named}, for whom no authority vouches that you trust (--trust)."


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:].rstrip('.')}."


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """A text of others as one may print it."""
    if not isinstance(value, str):
        return ""
    plain = "".join(letter if letter.isprintable() else UNKNOWN for letter in value)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
