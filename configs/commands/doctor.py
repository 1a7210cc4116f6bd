"""What this machine has and what works, line by line."""

import sys
from dataclasses import asdict

from common.errors import InputError
from common.json_files import write_json
from common.writable import check_writable
from configs import VERSION
from configs.doctor import checks
from configs.doctor.checks import Check, Finding, examined, line_of
from configs.options import DoctorOptions

CHECKS: dict[str, Check] = {
    "python": checks.check_python,
    "processor": checks.check_processor,
    "memory": checks.check_memory,
    "cache": checks.check_cache,
    "codecs": checks.check_codecs,
    "kernels": checks.check_kernels,
    "torch": checks.check_torch,
    "device": checks.check_device,
    "gsplat": checks.check_gsplat,
}


def main(options: DoctorOptions) -> None:
    """Exits with 1 where something is broken."""
    if options.report:
        check_writable(options.report)
    found: dict[str, Finding] = {}
    for name, finding in examined(CHECKS):
        print(line_of(name, finding), flush=True)
        found[name] = finding
    content: dict[str, object] = {"version": VERSION}
    content["machine"] = {name: asdict(finding) for name, finding in found.items()}
    if options.gpu:
        content["gpu"] = _on_device(found)
    if options.report:
        write_json(options.report, content)
        print(f"wrote {options.report}")
    if any(finding.state == "broken" for finding in found.values()):
        sys.exit(1)


def _on_device(found: dict[str, Finding]) -> dict[str, object]:
    """The figures of a device, as they are printed. InputError where there is none."""
    if found["device"].state not in ("works", "limited"):
        raise InputError(f"--gpu: {found['device'].said}; leave it out")
    from configs.doctor.gpu import measured, rows

    figures: dict[str, object] = {}
    for part in measured():
        figures[part.name] = asdict(part)
        print(rows(part), flush=True)
    return figures
