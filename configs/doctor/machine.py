"""Checks of the machine and of what is installed on it."""

import os
import platform
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from common.cache import cache_folder
from common.threads import available_threads, cpu_quota, memory_limit, processors
from configs.doctor.finding import Finding, in_short
from configs.verbs import CHECKOUT

GIB = 2**30
LEAST, ENOUGH = 0.75, 2.0  # GiB free, for a film of 512x512 pixels, and for any
NEEDS = "a film of 512x512 pixels takes about 0.6 GiB, one of 3840x2160 about 1.5"
ENCODERS = {"libx264": "H.264", "aac": "AAC", "libvpx-vp9": "VP9", "libopus": "Opus"}
MEMINFO = Path("/proc/meminfo")


def check_python() -> Finding:
    said = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("works", said)


def check_processor() -> Finding:
    quota, count = cpu_quota(), processors()
    limit = f", of which the container may use {quota:g}" if quota < count else ""
    said = f"{count} processors{limit}; {available_threads()} threads compute"
    if quota < 1:
        return Finding("limited", said, "Allow the container at least one processor.")
    return Finding("works", said)


def check_memory() -> Finding:
    total, free = memory()
    said = f"{free / GIB:.1f} of {total / GIB:.1f} GiB are free"
    if free < LEAST * GIB:
        return Finding("limited", said, f"Allow more: {NEEDS}.")
    if free < ENOUGH * GIB:
        return Finding("limited", said, f"Enough for a film, not for every size: {NEEDS}.")
    return Finding("works", said)


def memory() -> tuple[float, float]:
    """Bytes of this machine or container, and those of them that are free."""
    if not MEMINFO.exists():
        total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        return total, total
    known = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    total, free = (1024.0 * int(known[f"Mem{name}"].split()[0]) for name in ("Total", "Available"))
    total = min(total, memory_limit())
    return total, min(free, total)


def check_cache() -> Finding:
    folder = cache_folder()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        return Finding(
            "limited",
            f"{folder} cannot be written ({error.strerror})",
            "Name another folder in VOICESPLAT_CACHE; without one meshes and light are worked out "
            "anew for every film.",
        )
    return Finding("works", f"{folder}, {shutil.disk_usage(there).free / GIB:.0f} GiB free")


def check_libraries() -> Finding:
    """The versions of what pyproject.toml asks for."""
    wanted = [text for text in requirements() if "extra ==" not in text]
    wrong = list(out_of_range(wanted))
    if not wrong:
        return Finding("works", f"all {len(wanted)} have versions that this program takes")
    advice = 'Run pip install --upgrade "voicesplat", in a checkout pip install -e .'
    return Finding("broken", "; ".join(wrong), f"{advice}.")


def check_extras() -> Finding:
    """Libraries that single options need."""
    named = re.compile(r"""extra == ['"](ray|s3|gs|usd|webrtc)['"]""")
    asked = [text for text in requirements() if named.search(text)]
    gone = sorted(
        {named.findall(text)[0] for text in asked if any(out_of_range([text.partition(";")[0]]))}
    )
    if not gone:
        return Finding("works", "all optional libraries are there")
    return Finding(
        "missing",
        ", ".join(gone),
        f'Needed by a few options only: pip install "voicesplat[{",".join(gone)}]".',
    )


def requirements() -> list[str]:
    """Those of this version, as in its metadata: of a checkout from its own pyproject.toml."""
    path = CHECKOUT / "pyproject.toml"
    if not path.is_file():
        return metadata.requires("voicesplat") or []
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    return [
        *project["dependencies"],
        *(f'{text}; extra == "{name}"' for name, texts in extras for text in texts),
    ]


def out_of_range(wanted: list[str]) -> Iterator[str]:
    """What is wrong with the version of each library."""
    from packaging.requirements import Requirement

    for text in wanted:
        asked = Requirement(text)
        try:
            version = metadata.version(asked.name)
        except metadata.PackageNotFoundError:
            yield f"{asked.name} is not installed"
            continue
        if not asked.specifier.contains(version, prereleases=True):
            yield f"{asked.name} is {version}, not {asked.specifier}"


def check_codecs() -> Finding:
    """The encoders that films need."""
    advice = 'Run pip install --force-reinstall "av>=18.1,<19": its wheels have all encoders.'
    try:
        import av
        from av.codec import codec
    except Exception as error:
        return Finding("broken", f"PyAV cannot be imported ({in_short(error)})", advice)

    def lacks(name: str) -> bool:
        try:
            codec.Codec(name, "w")
        except codec.UnknownCodecError:
            return True
        return False

    gone = [f"{title} ({name})" for name, title in ENCODERS.items() if lacks(name)]
    if gone:
        said = f"PyAV {av.__version__} encodes no {', no '.join(gone)}"
        return Finding("broken", said, advice)
    return Finding("works", f"PyAV {av.__version__}: {', '.join(ENCODERS.values())}")


def check_kernels() -> Finding:
    """Whether the kernels of films are compiled for this processor and these sources."""
    from importlib import import_module

    from common.kernels import KERNELS, is_compiled

    import_module("avatar.drive.drive")
    count = sum(map(is_compiled, KERNELS))
    if not count:
        advice = "The first film compiles them, which takes a while; voicesplat warm does it now."
        return Finding("missing", "none is compiled for this processor", advice)
    return Finding("works", f"{count} kernels of films are compiled for this processor")
