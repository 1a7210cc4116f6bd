"""Container and site: what they name is there, and every command is one of ours."""

import re
import tomllib
from fnmatch import fnmatch

import yaml
from commands_in_text import understood
from support import ROOT

DOCS = ROOT / "docs"


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile, its lines joined: what is done, and with what."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_the_container_is_made_of_what_is_there():
    kinds = [kind for kind, _ in instructions()]
    assert kinds[0] == "FROM" and kinds.index("USER") > max(
        n for n, kind in enumerate(kinds) if kind == "RUN"
    )
    for kind, words in instructions():
        if kind == "FROM":
            assert re.fullmatch(r"\S+:\d[\w.-]*( AS \w+)?", words), "an image without a version"
        if kind == "COPY" and not words.startswith("--from"):
            assert all((ROOT / source).exists() for source in words.split()[:-1])
        if kind == "RUN":
            for command in re.findall(r"voicesplat [^&|;]*", words):
                assert understood(command)
    assert ("ENTRYPOINT", '["voicesplat"]') in instructions()


def test_the_container_gets_all_that_the_wheel_is_made_of():
    """Nothing but what is named goes into it."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    assert ignored[0] == "*" and all((ROOT / name).exists() for name in allowed)
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    elsewhere = setuptools["package-dir"]
    needed = {"pyproject.toml", "README.md", "LICENSE", "constraints.txt"}
    needed |= {name.split(".")[0] for name in setuptools["packages"]}
    for package, folder in elsewhere.items():
        needed |= {f"{folder}/{name}" for name in setuptools["package-data"][package]}
    assert needed == set(allowed)


def nav_pages(entry: object) -> list[str]:
    match entry:
        case str(page):
            return [page]
        case list(entries):
            return [page for one in entries for page in nav_pages(one)]
        case dict(titled):
            return [page for one in titled.values() for page in nav_pages(one)]
    raise AssertionError(entry)


def test_the_site_shows_every_page_once():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    pages = nav_pages(site["nav"])
    found = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")]
    assert sorted(pages) == sorted(found)
    assert all((ROOT / hook).is_file() for hook in site["hooks"])
    assert not any(fnmatch(page, "site/*") for page in pages)


def test_the_gallery_leads_to_what_is_made_for_it():
    led = set(
        re.findall(r'(?:href|src)="gallery/(\w+)\.(?:html|jpg)"', (DOCS / "gallery.md").read_text())
    )
    made = set(re.findall(r'Shown\(\s*"(\w+)"', (DOCS / "site" / "gallery.py").read_text()))
    assert led == made and len(made) >= 4
