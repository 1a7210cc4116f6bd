"""The options of content credentials."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class SignOptions:
    """Who signs what is written."""

    sign: tuple[str, ...] = ()
    """Content credentials (C2PA) for what is written: the files of a certificate chain and of its
    private key (PEM), or local for a certificate of this machine that nobody else trusts. By
    default as VOICESPLAT_SIGN_CERT and VOICESPLAT_SIGN_KEY say."""


@dataclass(frozen=True)
class VerifyOptions:
    """Tell what a file says of itself: who made it, of what, with whose consent, and whether it was
    changed since. The exit status is 1 where it was changed."""

    file: Path
    """Any file: a film, a picture, a page, a scene, an avatar."""
    trust: Path | None = None
    """Certificates (PEM) of the authorities whose signatures you trust."""
