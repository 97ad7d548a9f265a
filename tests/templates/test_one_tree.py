"""Who knows one template knows all: what is not a profile's own is the same file in every profile."""

from __future__ import annotations

import pytest

from tests.templates.one_tree import FIRST, OWN, SAME, TEMPLATES, delivered, differing

OTHERS = sorted(each.name for each in TEMPLATES.iterdir() if each.is_dir() and each.name != FIRST)


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, bytes]]:
    return delivered()


def test_every_profile_says_what_is_its_own(files: dict[str, dict[str, bytes]]) -> None:
    assert set(OWN) == set(files) - {FIRST} == set(OTHERS)


@pytest.mark.parametrize("profile", OTHERS)
def test_what_is_not_a_profiles_own_is_the_same(profile: str, files: dict[str, dict[str, bytes]]) -> None:
    """Too much: `python -m tests.templates.one_tree` copies it. Too little: it is listed, but no longer its own."""
    assert sorted(differing(files[profile], files[FIRST])) == sorted(OWN[profile])


@pytest.mark.parametrize("path", SAME)
def test_what_is_the_same_in_another_place_stays_so(path: str) -> None:
    assert (TEMPLATES / path).read_bytes() == (TEMPLATES / SAME[path]).read_bytes()


def test_a_difference_is_found() -> None:
    first = {"same": b"1", "other": b"1", "gone": b"1"}
    assert differing({"same": b"1", "other": b"2", "new": b"1"}, first) == {"other", "gone", "new"}


def test_the_same_file_is_executable_everywhere() -> None:
    for path in sorted((TEMPLATES / FIRST).rglob("bin/*")):
        below = path.relative_to(TEMPLATES / FIRST)
        for profile in OTHERS:
            other = TEMPLATES / profile / below
            assert not other.exists() or other.stat().st_mode & 0o111, other
