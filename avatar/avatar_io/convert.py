"""Avatars from one file format to another."""

from dataclasses import replace

from avatar.avatar_io.avatar_file import save_avatar
from avatar.avatar_io.gaussian_avatars import POINTS, write_gaussian_avatar
from avatar.avatar_io.open_avatar import open_avatar
from avatar.avatar_io.options import ConvertOptions
from avatar.heads.flame_parameters import read_flame_parameters
from avatar.heads.head import SIZES
from avatar.rigging.avatar import Avatar
from common.errors import InputError
from common.writable import check_writable


def convert(options: ConvertOptions, consent: str | None = None) -> Avatar:
    """Read an avatar of any kind and write it as another; consent: of its person, a line that
    replaces the avatar's own.

    Raises FileNotFoundError, OSError or InputError: one sentence.
    """
    to_file = options.out.suffix == ".ply"
    if options.flame_param is not None and to_file:
        raise InputError(
            f"--flame-param: {options.out} is one file, which holds no motion; leave it out, or "
            "name a folder with --out"
        )
    if to_file and options.out.name == POINTS:
        raise InputError(
            f"{options.out}: {POINTS} is GaussianAvatars' name; name its folder with --out, or "
            "give the one-file avatar another name"
        )
    if not to_file and options.out.is_file():
        raise InputError(f"{options.out}: is a file; name a folder, or a file that ends in .ply")
    if to_file:
        check_writable(options.out)
    avatar = open_avatar(options.avatar, options.flame, options.landmarks, options.texture)
    avatar = avatar if consent is None else replace(avatar, consent=consent)
    if options.flame and avatar.topology not in SIZES:
        raise InputError(f"--flame: {options.avatar} is {avatar.topology}; leave it out")
    if to_file:
        save_avatar(options.out, avatar)
        return avatar
    if options.flame_param is not None and avatar.topology not in SIZES:
        raise InputError(
            f"--flame-param: {options.avatar} is {avatar.topology}, which FLAME's motion does not "
            "move; leave it out"
        )
    motion = read_flame_parameters(options.flame_param) if options.flame_param else None
    write_gaussian_avatar(options.out, avatar, options.flame, motion)
    return avatar
