"""Checks of the machine, of what is installed on it, and of the CUDA device."""

import importlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from common.cache import cache_folder
from common.threads import available_threads, cpu_quota, memory_limit, processors

State = Literal["works", "limited", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """What there is, and in one sentence what to do where that is not all."""

    state: State
    said: str
    advice: str = ""


Check = Callable[[], Finding]


def examined(checks: Mapping[str, Check]) -> Iterator[tuple[str, Finding]]:
    """Names and findings; a check that fails itself has found something broken."""
    for name, check in checks.items():
        try:
            found = check()
        except Exception as error:  # nothing that is broken may end the examination
            found = Finding("broken", in_short(error), "Install VoiceSplat and its libraries anew.")
        yield name, found


def in_short(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    words = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {words[0]}"


def line_of(name: str, found: Finding) -> str:
    """A line, and one below it with the advice."""
    line = f"{name:<10} {found.state:<8} {found.said}"
    return f"{line}\n{'':<19} -> {found.advice}" if found.advice else line


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


LEAST_CAPABILITY = (7, 0)  # of gsplat's kernels
ON_CPU = "Until then everything is computed and drawn on the CPU."
DRIVER = Path("/proc/driver/nvidia/version")


def check_torch() -> Finding:
    advice = "Install PyTorch anew: pytorch.org names the command for your system."
    try:
        torch = importlib.import_module("torch")
    except Exception as error:
        return Finding("broken", f"PyTorch cannot be imported ({in_short(error)})", advice)
    build = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "for the CPU alone"
    return Finding("works", f"PyTorch {torch.__version__}, built {build}")


def check_device() -> Finding:
    import torch

    driver = driver_version()
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        free, total = torch.cuda.mem_get_info()
        said = f"{', '.join(names)}; {free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
        said += f"; driver {driver or 'unknown'}"
        if torch.cuda.get_device_capability() < LEAST_CAPABILITY:
            return Finding("limited", said, "Too old for gsplat: pictures are drawn on the CPU.")
        return Finding("works", said)
    if driver is None:
        said = "there is no NVIDIA driver"
        return Finding("missing", said, "None is needed: everything runs on the CPU, only slower.")
    said = f"driver {driver}, but PyTorch finds no device"
    if torch.version.cuda is None:
        advice = "Install PyTorch built for CUDA: pytorch.org names the command."
    else:
        advice = f"Update the driver to one for CUDA {torch.version.cuda}, and show the device to "
        advice += "the container (--gpus all)."
    return Finding("missing", said, f"{advice} {ON_CPU}")


def driver_version() -> str | None:
    """Of NVIDIA's driver, or None without one."""
    found = re.search(r"\b(\d{3}\.[\d.]+)\b", DRIVER.read_text() if DRIVER.exists() else "")
    if found:
        return found[1]
    return _said("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")


def check_gsplat() -> Finding:
    """Whether gsplat can be imported, is built, and draws."""
    import torch

    try:
        version = importlib.import_module("gsplat").__version__
        importlib.import_module("gsplat.rendering")
    except Exception as error:
        advice = f"Run pip install --force-reinstall gsplat==1.5.3. {ON_CPU}"
        return Finding("broken", f"gsplat cannot be imported ({in_short(error)})", advice)
    if not torch.cuda.is_available():
        said = f"gsplat {version}, which draws on CUDA devices alone"
        return Finding("missing", said, "None is needed: the CPU draws the same pictures.")
    if not (find_spec("gsplat.csrc") or (build_folder() / "gsplat_cuda.so").exists()):
        return Finding("missing", f"gsplat {version} is not built yet", how_to_build())
    from splat import why_not_gsplat

    if problem := why_not_gsplat():
        advice = f"Remove {build_folder()} and start again. {ON_CPU}"
        return Finding("broken", f"gsplat {version}: {problem}", advice)
    return Finding("works", f"gsplat {version} is built and draws")


def build_folder() -> Path:
    """Where PyTorch builds and looks for gsplat's extension."""
    import torch
    from torch.utils.cpp_extension import get_default_build_root

    if chosen := os.environ.get("TORCH_EXTENSIONS_DIR"):
        return Path(chosen) / "gsplat_cuda"
    cuda = torch.version.cuda
    built_for = f"cu{cuda.replace('.', '')}" if cuda else "cpu"
    python = f"py{sys.version_info.major}{sys.version_info.minor}{sys.abiflags}"
    return Path(get_default_build_root()) / f"{python}_{built_for}" / "gsplat_cuda"


def how_to_build() -> str:
    """What is needed before gsplat can be built, or that the first film builds it."""
    import torch
    from torch.utils.cpp_extension import CUDA_HOME

    wanted = str(torch.version.cuda)
    nvcc = Path(CUDA_HOME) / "bin" / "nvcc" if CUDA_HOME else shutil.which("nvcc")
    release = re.search(r"release (\d+)\.", _said(str(nvcc), "--version") or "") if nvcc else None
    if release is None:
        return (
            f"Install the CUDA toolkit {wanted} (nvcc), or a wheel of gsplat that is built for "
            f"PyTorch {torch.__version__}. {ON_CPU}"
        )
    if release[1] != wanted.partition(".")[0]:
        return (
            f"{nvcc} is of CUDA {release[1]}: PyTorch needs the toolkit {wanted}; name it in "
            f"CUDA_HOME. {ON_CPU}"
        )
    tools = {"c++": "a C++ compiler", "ninja": "ninja (pip install ninja)"}
    gone = [words for tool, words in tools.items() if not shutil.which(tool)]
    if gone:
        return f"Install {' and '.join(gone)}. {ON_CPU}"
    return (
        f"The first film builds it into {build_folder()}, which takes minutes; in a container "
        "let TORCH_EXTENSIONS_DIR name a folder that stays."
    )


def _said(*command: str) -> str | None:
    """What a program prints; None where it cannot be run or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
