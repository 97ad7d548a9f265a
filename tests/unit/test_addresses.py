"""Whether an address shows a token, and what is shown in its place."""

from __future__ import annotations

import pytest

from custom_resources.addresses import shown, shows_a_secret, without_user


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://token@github.com/acme/x.git", "https://***@github.com/acme/x.git"),
        ("https://user:token@github.com/acme/x.git", "https://***@github.com/acme/x.git"),
        ("https://:token@github.com", "https://***@github.com"),
        ("https://@github.com/acme/x", "https://***@github.com/acme/x"),
        ("HTTPS://token@github.com:8443/a@b", "HTTPS://***@github.com:8443/a@b"),
        ("https://one@token@github.com/acme/x", "https://***@github.com/acme/x"),  # the last @ ends the user
        ("https://token@github.com/?next=https://there", "https://***@github.com/?next=https://there"),
        ("https://token@github.com?a=b@c", "https://***@github.com?a=b@c"),
        ("https://token@github.com#b@c", "https://***@github.com#b@c"),
        ("https://token@github.com\\b@c", "https://***@github.com\\b@c"),
        ("git+ssh://token@github.com/acme/x", "git+ssh://***@github.com/acme/x"),
        ("ssh://git:password@github.com/acme/x", "ssh://***@github.com/acme/x"),
        ("ssh://git@one:password@github.com/acme/x", "ssh://***@github.com/acme/x"),
    ],
)
def test_a_token_in_an_address_is_found_and_not_shown(address: str, told: str) -> None:
    assert shows_a_secret(address)
    assert shown(address) == told


@pytest.mark.parametrize(
    "address",
    [
        "",
        "templates",
        "../templates",
        "git@github.com:acme/x.git",
        "token@github.com",
        "ssh://git@github.com/acme/x",
        "SSH://git@github.com:22/acme/x",
        "https://github.com/acme/x.git",
        "https://github.com/acme/x@v1",
        "https://github.com?ref=a@b",
        "https://github.com#a@b",
        "https://github.com\\a@b",
    ],
)
def test_an_address_without_one_is_shown_as_it_is(address: str) -> None:
    assert not shows_a_secret(address)
    assert shown(address) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("token@github.com", "***@github.com"),
        ("fetching https://token@github.com/acme/x failed", "fetching https://***@github.com/acme/x failed"),
        ("'user:token@github.com'", "'***@github.com'"),
        ('"one@token@github.com"', '"***@github.com"'),
        ("acme/token@github.com two@there", "acme/***@github.com ***@there"),
        ("nobody@ and @somebody and a @ b", "nobody@ and @somebody and a @ b"),
        ("https://github.com/acme/x", "https://github.com/acme/x"),
    ],
)
def test_in_a_text_nothing_stands_before_the_at_of_an_address(text: str, told: str) -> None:
    assert without_user(text) == told
