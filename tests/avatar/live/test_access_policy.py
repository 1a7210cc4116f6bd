"""Who may come in."""

from pathlib import Path

import pytest

from avatar.live.access_policy import AccessPolicy, is_loopback
from avatar.live.host import access_policy
from avatar.live.options import ServeOptions, check_serve
from common.errors import InputError

HERE = AccessPolicy("127.0.0.1")
OPEN = AccessPolicy("0.0.0.0", "secret-token-of-mine", secure=True)


def status(
    door: AccessPolicy, path: str = "/", host: str = "127.0.0.1:8000", method: str = "GET", **more
):
    turned = door.ask(method, path, {"host": host, **more})
    return turned.status if turned else 200


def test_this_machine_alone_is_served_by_default():
    assert (
        status(HERE) == status(HERE, host="localhost:8000") == status(HERE, host="[::1]:1") == 200
    )
    assert status(HERE, host="evil.example") == status(HERE, host="evil.example:8000") == 403
    assert status(HERE, host="") == status(HERE, host="127.0.0.1.evil.example") == 403
    assert status(HERE, host="[") == 403


def test_only_the_page_and_the_sessions_are_there():
    assert status(HERE, "/live") == status(HERE, "/?x=1") == 200
    assert status(HERE, "/etc/passwd") == status(HERE, "//live") == status(HERE, "/live/") == 404
    assert status(HERE, "/", method="POST") == 405


def test_calls_are_there_only_where_they_are_answered():
    calls = AccessPolicy("127.0.0.1", calls=True)
    for path in ("/video", "/call"):
        assert status(HERE, path) == 404 and status(calls, path) == 200
        assert status(AccessPolicy("0.0.0.0", "secret-token-of-mine", calls=True), path) == 403
    assert status(calls, "/call", origin="http://evil.example") == 403
    assert status(calls, "/call", host="evil.example") == 403


def test_other_sites_pages_may_not_connect():
    assert status(HERE, "/live", origin="http://127.0.0.1:8000") == 200
    for origin in ("http://evil.example", "null", "", "https://127.0.0.1:8000", "http://127.0.0.1"):
        assert status(HERE, "/live", origin=origin) == 403
    token = "/live?token=secret-token-of-mine"
    assert status(OPEN, token, "me.example", origin="https://me.example") == 200
    assert status(OPEN, token, "me.example", origin="https://evil.example") == 403


def test_a_proxy_brings_the_pages_of_the_origins_that_are_named():
    proxied = AccessPolicy("127.0.0.1", origins=("https://voice.example", "https://b.example:8443"))
    for host in ("127.0.0.1:8000", "voice.example", "b.example:8443"):  # as the proxy passes it on
        for origin in proxied.origins:
            assert status(proxied, "/live", host, origin=origin) == 200
        for origin in ("http://voice.example", "https://b.example", "https://evil.example", "null"):
            assert status(proxied, "/live", host, origin=origin) == 403
    assert status(proxied, "/", "evil.example") == status(HERE, "/", "voice.example") == 403
    assert status(HERE, "/live", origin="https://voice.example") == 403


@pytest.mark.parametrize(
    "said",
    [
        *("voice.example", "https://", "https://voice.example/", "https://voice.example/live"),
        *("ftp://voice.example", "https://Voice.example", "https://me@voice.example", "https://["),
        *("https://voice.example:443", "http://voice.example:80", "https://voice.example:x", ""),
    ],
)
def test_what_is_no_origin_is_refused(said: str, tmp_path: Path):
    (tmp_path / "A.ply").touch()
    with pytest.raises(InputError, match=r"--origin .*such as https://voice\.example"):
        check_serve(ServeOptions(avatar=tmp_path / "A.ply", origin=(said,)))


@pytest.mark.parametrize("said", ["https://voice.example", "http://[::1]:8443", "https://a-b.c:80"])
def test_who_is_reached_through_a_proxy_asks_for_a_token(said: str, tmp_path: Path):
    (tmp_path / "A.ply").touch()
    options = ServeOptions(avatar=tmp_path / "A.ply", origin=(said,))
    check_serve(options)
    door = access_policy(options)
    assert door.token is not None and door.address(8000) == f"{said}/?token={door.token}"


def test_other_machines_need_the_token():
    for path in ("/", "/live"):
        assert status(OPEN, path, "me.example") == 403
        assert status(OPEN, f"{path}?token=", "me.example") == 403
        assert status(OPEN, f"{path}?token=secret", "me.example") == 403
        assert status(OPEN, f"{path}?token=%ff", "me.example") == 403
        assert status(OPEN, f"{path}?token=secret-token-of-mine", "me.example") == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_at_names_of_this_machine_it_alone_is_served_without_a_token(name: str):
    door, said = (
        access_policy(ServeOptions(avatar=Path("A.ply"), host=name)),
        AccessPolicy(name).address(80)[7:-1],
    )
    assert is_loopback(name) and door.token is None
    assert status(door, host=said) == status(HERE, host=said) == 200
    assert status(door, host="me.example") == 403


@pytest.mark.parametrize("name", ["0.0.0.0", "::", "10.0.0.1", "example.org", ""])
def test_at_names_of_others_everybody_is_asked_for_a_new_token(name: str):
    options = ServeOptions(avatar=Path("A.ply"), host=name)
    door, other = access_policy(options), access_policy(options)
    assert not is_loopback(name) and status(HERE, host=f"{name}:8000") == 403
    assert door.token and len(door.token) >= 16 and door.token != other.token
    assert status(door, host="me.example") == status(door, f"/?token={other.token}") == 403
    assert status(door, f"/?token={door.token}", "me.example") == 200


def test_the_address_that_is_printed():
    assert HERE.address(8000) == "http://127.0.0.1:8000/"
    assert OPEN.address(1) == "https://localhost:1/?token=secret-token-of-mine"
    assert AccessPolicy("::1").address(1) == "http://[::1]:1/"
