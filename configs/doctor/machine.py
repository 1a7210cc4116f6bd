"""Checks of the machine and of what is installed on it."""

import os
import platform
import shutil
import tempfile
from pathlib import Path

from common.cache import cache_folder
from common.threads import available_threads, cpu_quota, memory_limit, processors
from configs.doctor.finding import Finding, in_short

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
