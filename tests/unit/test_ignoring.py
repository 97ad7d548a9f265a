"""Which paths .studio-template-ignore names: git's own matching, and nothing of ours beside it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custom_resources.clients.git import BareRepository, Git, ignoring
from custom_resources.clients.git.ignoring import LARGEST, Ignored
from custom_resources.clients.git.objects import Entry
from custom_resources.errors import GitTooSlow, IgnoreFileTooSlow, ObjectTooLarge
from custom_resources.template_content import IGNORE_FILE
from tests.git_processes import counted


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[BareRepository]:
    repository = BareRepository(Git("https://github.com", lambda _: "x", lambda _: False), "acme/x", tmp_path, 1)
    repository.start()
    yield repository
    repository.close()


def ignored(bare: BareRepository, patterns: str) -> Ignored:
    return Ignored(bare._processes, bare._objects, bare._objects.store("blob", patterns.encode()) if patterns else "")


@pytest.mark.parametrize(
    ("patterns", "named", "others"),
    [
        ("*.md\n", ["README.md", "docs/a.md"], ["a.mdx"]),
        ("/a\n", ["a"], ["b/a"]),
        ("docs/\n", ["docs/a", "x/docs/b"], ["docs", "mydocs/a"]),
        ("c/*\n!c/keep\n", ["c/a"], ["c/keep"]),
        ("c/\n!c/keep\n", ["c/a", "c/keep"], []),
        ("# a comment\n\n\\#b\n", ["#b"], ["a", "# a comment"]),
        ("**/x/*.py\n", ["x/a.py", "b/x/a.py"], ["x/y/a.py"]),
        ("a[0-9]\n", ["a1"], ["ax"]),
        (":x\n", [":x"], ["x"]),
        ("a b\n", ["a b"], ["a"]),
        ("*\n", [":(exclude)a", ":!a", "-a", "ä", "a\nb", "\udcff"], []),
        ("", [], ["a"]),
        ("A.PY\n", [], ["a.py"]),
    ],
)
def test_the_file_is_read_as_gitignore_is(
    bare: BareRepository, patterns: str, named: list[str], others: list[str]
) -> None:
    assert ignored(bare, patterns).of([*named, *others]) == set(named)


def test_what_was_asked_is_not_asked_again_and_nothing_starts_no_process(bare: BareRepository) -> None:
    found = ignored(bare, "a\n")
    with counted() as none:
        assert ignored(bare, "").of(["a"]) == set()
        assert found.of([]) == set()
    with counted() as one:
        assert found.of(["a", "b"]) == {"a"}
        assert found.of(["b", "a"]) == {"a"}
    assert (len(none), len(one)) == (0, 1)


@pytest.mark.parametrize(("size", "taken"), [(LARGEST, True), (LARGEST + 1, False)])
def test_a_file_of_some_size_is_read(bare: BareRepository, size: int, taken: bool) -> None:
    patterns = "a\n" + "#" * (size - 2)
    if taken:
        assert ignored(bare, patterns).of(["a"]) == {"a"}
    else:
        with pytest.raises(ObjectTooLarge, match=IGNORE_FILE):
            ignored(bare, patterns)


ENDLESS = f"/{'**/*a' * 60}b\n"  # git tries every way to put the stars
ITS_PATH = "/".join(["aa"] * 200)


def test_patterns_that_take_forever_are_refused_for_good(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody who may push writes them: no request waits for them again and again, and no plan of a rollout."""
    monkeypatch.setattr(ignoring, "MOST_SECONDS", 1.0)
    with pytest.raises(
        IgnoreFileTooSlow, match=r"to match the patterns in the repository's \.studio-template-ignore\. Simplify the"
    ):
        ignored(bare, ENDLESS).of([ITS_PATH])


def test_where_the_function_has_no_time_left_it_is_asked_again(bare: BareRepository) -> None:
    bare._processes._limit.begin(16)
    with pytest.raises(GitTooSlow, match="check-ignore took longer than 1 seconds"):
        ignored(bare, ENDLESS).of([ITS_PATH])


def test_nothing_of_it_stays_on_the_disk(bare: BareRepository, tmp_path: Path) -> None:
    ignored(bare, "a\n").of(["a"])
    assert not list(tmp_path.glob("ignored-*"))


PATTERNS = ("a", "*.py", "src/", "!src/a.py", "/b.py", "**/c", "src/*", "!*.txt", "lib/**")
PATHS = ("a", "a.py", "b.py", "src/a.py", "src/b.py", "src/lib/c", "lib/a.txt", "lib/x/a.py", "c")
Files = dict[str, str]
FILES = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["1\n", "2\n", "3\n"]), min_size=1)


def fitting(files: Files) -> Files:
    """Leave out what a folder is in the way of."""
    return {path: text for path, text in files.items() if not any(other.startswith(f"{path}/") for other in files)}


def checked_out(files: Files, patterns: list[str]) -> set[str]:
    """Return the paths that git ignores in a checkout that has the patterns as its .gitignore."""
    with TemporaryDirectory() as place:
        subprocess.run(["git", "init", "--quiet", place], check=True)
        Path(place, ".gitignore").write_text("\n".join(patterns), encoding="utf-8")
        names = "\0".join(files).encode()
        command = ["git", "-C", place, "check-ignore", "--no-index", "-z", "--stdin"]
        done = subprocess.run(command, input=names, stdout=subprocess.PIPE, check=False)
        return {name.decode() for name in done.stdout.split(b"\0") if name}


@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None, max_examples=12
)
@given(FILES, FILES, FILES, st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3, unique=True))
def test_no_update_touches_what_is_named(base: Files, mine: Files, theirs: Files, patterns: list[str]) -> None:
    base, mine, theirs = fitting(base), fitting(mine), fitting(theirs)
    with TemporaryDirectory() as place:
        bare = BareRepository(Git("https://github.com", lambda _: "x", lambda _: False), "acme/x", Path(place), 1)
        bare.start()
        empty = bare.empty_tree()

        def tree(files: Files) -> str:
            from custom_resources.clients.git.merging import replaced

            entries = {
                path: Entry("100644", bare._objects.store("blob", text.encode())) for path, text in files.items()
            }
            return replaced(bare._processes, empty, dict(entries))

        ours = tree({**mine, IGNORE_FILE: "\n".join(patterns)})
        merge = bare.merge(tree(base), ours, tree(theirs))
        result = merge.tree
        if not merge.clean:
            result, _ = bare.keep_ours(merge, tree(base), ours, merge.theirs or tree(theirs))
        before, after = bare.entries(ours), bare.entries(result)
        named = checked_out({**base, **mine, **theirs}, patterns)
        assert {path: before.get(path) for path in named} == {path: after.get(path) for path in named}
        assert not named & set(merge.conflicts)
        assert not named & set(merge.absent)
        bare.close()
