"""Who signs: a certificate with its private key, the user's or one of this machine."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from common.cache import cache_folder, locked
from common.errors import InputError, check_file

CERT, KEY = "VOICESPLAT_SIGN_CERT", "VOICESPLAT_SIGN_KEY"
LOCAL = "local"
LOCAL_NAME = "VoiceSplat on a local machine"
YEARS = 10
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True)
class Signer:
    """A certificate chain and its key."""

    chain: str  # PEM, the signer's own first
    key: str = field(repr=False)  # PEM
    algorithm: str  # C2PA's name


def library() -> ModuleType:
    """c2pa, or an InputError that says how to get it."""
    try:
        import c2pa  # noqa: PLC0415  an extra
    except ImportError:
        raise InputError(
            "content credentials need the package c2pa-python; pip install c2pa-python"
        ) from None
    return c2pa


def signer_of(sign: Sequence[str]) -> Signer | None:
    """The signer that --sign, else the environment, names; None where neither does.

    Raises InputError or FileNotFoundError, which never quote a key.
    """
    words = tuple(sign) or tuple(os.environ[name] for name in (CERT, KEY) if os.environ.get(name))
    if not words:
        return None
    library()
    if words == (LOCAL,):
        return _read(*_local_files())
    if len(words) != 2:
        raise InputError(
            "--sign: name two files, a certificate chain and its private key, or write local"
        )
    return _read(Path(words[0]), Path(words[1]))


def _read(certificate: Path, key: Path) -> Signer:
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

    for path in (certificate, key):
        check_file(path)
    try:
        chain = certificate.read_bytes()
        public = load_pem_x509_certificates(chain)[0].public_key()
    except ValueError:
        raise InputError(f"{certificate}: is no certificate; name a chain in PEM") from None
    try:
        private = pem.load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError):
        raise InputError(f"{key}: is no private key in PEM without a passphrase") from None
    form = pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*form) != public.public_bytes(*form):
        raise InputError(f"{key}: is not the private key of {certificate}")
    pkcs8 = private.private_bytes(
        pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
    ).decode()
    return Signer(chain.decode(), pkcs8, _algorithm(public, certificate))


def _algorithm(public: Any, certificate: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in CURVES:
        return CURVES[public.curve.name]
    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ed25519"
    if isinstance(public, rsa.RSAPublicKey):
        return "ps256"
    raise InputError(f"{certificate}: its kind of key cannot sign; use P-256, Ed25519 or RSA")


def _local_files() -> tuple[Path, Path]:
    """Certificate and key of this machine, made where they are not there yet."""
    folder = cache_folder() / "credentials"
    files = folder / "certificate.pem", folder / "key.pem"
    with locked("credentials"):
        if not all(path.is_file() for path in files):
            folder.mkdir(parents=True, exist_ok=True)
            for path, content in zip(files, _made_locally(), strict=True):
                path.unlink(missing_ok=True)
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
    return files


def _made_locally() -> tuple[bytes, bytes]:
    """A chain of a certificate and an authority of its own, as C2PA asks for, and the key of the
    former; that of the authority is thrown away."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    def named(name: str) -> x509.Name:
        words = {NameOID.COMMON_NAME: name, NameOID.ORGANIZATION_NAME: "nobody vouches for this"}
        return x509.Name([x509.NameAttribute(oid, word) for oid, word in words.items()])

    def certified(public: Any, name: str, is_authority: bool) -> x509.Certificate:
        usage = dict.fromkeys(signature(x509.KeyUsage).parameters, False)
        usage |= {"key_cert_sign": True} if is_authority else {"digital_signature": True}
        built = (
            x509.CertificateBuilder(named(authority_name), named(name), public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365 * YEARS))
            .add_extension(x509.BasicConstraints(is_authority, None), True)
            .add_extension(x509.KeyUsage(**usage), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(identity, False)
        )
        if not is_authority:
            purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            built = built.add_extension(purposes, False)
        return built.sign(authority, hashes.SHA256())

    now, authority_name = datetime.now(UTC), f"{LOCAL_NAME}: authority"
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    identity = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    chain = (
        certified(key.public_key(), LOCAL_NAME, False),
        certified(authority.public_key(), authority_name, True),
    )
    encoded = b"".join(each.public_bytes(pem.Encoding.PEM) for each in chain)
    plain = pem.PrivateFormat.PKCS8, pem.NoEncryption()
    return encoded, key.private_bytes(pem.Encoding.PEM, *plain)
