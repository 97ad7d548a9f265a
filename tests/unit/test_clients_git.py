"""What Git servers say, and what that means; nothing is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest

from custom_resources.clients.git import (
    BareRepository,
    Git,
    Merge,
    PushRejected,
    Refs,
    RepositoryArchived,
    merging,
)
from custom_resources.clients.git.failures import GitFailed
from custom_resources.clients.git.objects import Entry
from custom_resources.errors import (
    ContentRefused,
    CredentialsRejected,
    RepositoryTooLarge,
    RepositoryUnreachable,
    RetryLater,
)

URL = "https://github.com/acme/gh001-archived-not-found.git"  # a name like an error


def repository(tmp_path: Path, *, rotated: bool = False) -> BareRepository:
    git = Git("https://github.com", lambda _: "ghs_canary", lambda rejected: rotated)
    return BareRepository(git, "acme/gh001-archived-not-found", tmp_path, 1)


def of_pushing(bare: BareRepository, said: str) -> Exception:
    return bare._translator().of_pushing(GitFailed("push", 1, said))


def of_reading(bare: BareRepository, said: str) -> Exception:
    return bare._translator().of_reading(GitFailed("fetch", 1, said))


def run(bare: BareRepository, *arguments: str, stdin: bytes = b"") -> str:
    return bare._processes.run(*arguments, stdin=stdin)[1].decode().strip()


def content(bare: BareRepository, text: str) -> str:
    return run(bare, "hash-object", "-w", "--stdin", stdin=text.encode())


PUSHES = {
    "! [rejected] main -> main (stale info)": PushRejected,
    "! [rejected] main -> main (fetch first)": PushRejected,
    "! [remote rejected] main -> main (failed to update ref)": PushRejected,
    "! [remote rejected] main -> main (cannot lock ref 'refs/heads/main': is at a but expected b)": PushRejected,
    "remote: error: GH006: Protected branch update failed for refs/heads/main.": PushRejected,
    "remote: error: GH013: Repository rule violations found for refs/heads/main.": PushRejected,
    "refusing to allow a Personal Access Token to update workflow `x.yml` without `workflow` scope": ContentRefused,
    "remote: error: GH001: Large files detected.": ContentRefused,
    "remote: This repository was archived so it is read-only.": RepositoryArchived,
    "fatal: unable to access: The requested URL returned error: 403": RepositoryUnreachable,
    "fatal: repository not found": RepositoryUnreachable,
    "fatal: Authentication failed": CredentialsRejected,
    "fatal: could not read Username: terminal prompts disabled": CredentialsRejected,
    "error: RPC failed; curl 56 Recv failure: Connection reset by peer": RetryLater,
    "fatal: unable to access: The requested URL returned error: 502": RetryLater,
    "fatal: the remote end hung up unexpectedly": RetryLater,
    "": RetryLater,
    "fatal: write error: No space left on device": RepositoryTooLarge,
}


@pytest.mark.parametrize("said", PUSHES)
def test_an_answer_to_a_push_is_understood(tmp_path: Path, said: str) -> None:
    failure = of_pushing(repository(tmp_path), f"To {URL}\n{said}\nfatal: unable to access '{URL}/'")
    assert isinstance(failure, PUSHES[said])


IN_THE_WAY = "(cannot lock ref 'refs/heads/a/b': 'refs/heads/a' exists; cannot create 'refs/heads/a/b')"


@pytest.mark.parametrize(
    ("said", "stale"),
    [("(stale info)", True), ("(protected branch hook declined)", False), ("GH013: x", False), (IN_THE_WAY, False)],
)
def test_a_rejection_tells_whether_to_try_again(tmp_path: Path, said: str, stale: bool) -> None:
    failure = of_pushing(repository(tmp_path), f"! [remote rejected] main -> main {said}")
    assert isinstance(failure, PushRejected)
    assert failure.stale is stale


def test_a_rotated_token_is_a_wait(tmp_path: Path) -> None:
    failure = of_reading(repository(tmp_path, rotated=True), "The requested URL returned error: 401")
    assert isinstance(failure, RetryLater)


def test_the_token_is_in_the_environment_only(tmp_path: Path) -> None:
    bare = repository(tmp_path)
    environment = bare._processes.environment()
    assert "ghs_canary" not in str(environment)  # encoded, as HTTP wants it
    bare.start()
    config = (bare.path / "config").read_text()
    assert "xtraheader" not in config.lower()
    assert not list(bare.path.glob("hooks/*"))


def test_credentials_in_an_url_are_not_repeated(tmp_path: Path) -> None:
    failure = of_reading(repository(tmp_path), "fatal: unable to access 'https://x:ghs_canary@github.com/a/b.git/'")
    assert "ghs_canary" not in str(failure)


def test_refs_that_are_not_there_are_empty() -> None:
    refs = Refs("main", {"refs/heads/main": "a", "refs/studio/template": "b"})
    assert (refs.tip, refs["refs/nothing"], refs.below("refs/studio/")) == ("a", "", {"refs/studio/template": "b"})
    assert Refs().tip == ""


def test_pushing_what_is_there_asks_nobody(tmp_path: Path) -> None:
    repository(tmp_path).push(Refs("main", {"refs/heads/main": "a"}), {"refs/heads/main": "a", "refs/heads/gone": ""})


def tree(bare: BareRepository, *entries: tuple[str, str, str]) -> str:
    """Write a tree of (mode, name, object), whatever the names."""
    lines = "".join(f"{mode} {'tree' if mode == '040000' else 'blob'} {sha}\t{name}\n" for mode, name, sha in entries)
    return run(bare, "mktree", stdin=lines.encode())


def test_attributes_of_a_hostile_tree_stay_in_their_folder(tmp_path: Path) -> None:
    bare = repository(tmp_path)
    bare.start()
    blob = content(bare, "* merge=union\n")
    inner = tree(bare, ("100644", ".gitattributes", blob))
    good = tree(bare, ("040000", "d", inner))
    bad = tree(bare, ("040000", "..", tree(bare, ("040000", "..", inner))), ("040000", "d", inner))
    for outer in (good, bad):
        attributes = merging.attributes_of(bare._objects, outer)
        with merging.checkout(bare._processes, bare._objects, attributes) as (environment, directory):
            assert directory is not None
            assert environment["GIT_WORK_TREE"] == str(directory)
            assert [path.relative_to(tmp_path).parts[1:] for path in tmp_path.rglob(".gitattributes")] == [
                ("d", ".gitattributes")
            ]
    assert not list(tmp_path.rglob(".gitattributes"))


def test_a_merge_needs_no_history_and_no_remote_for_what_is_here(tmp_path: Path) -> None:
    bare = repository(tmp_path)
    bare.start()

    def files(**contents: str) -> str:
        entries = []
        for name, text in sorted(contents.items()):
            entries.append(("100644", name, content(bare, text)))
        return tree(bare, *entries)

    base, ours, theirs = files(a="1\n2\n3\n4\n"), files(a="one\n2\n3\n4\n", b="b\n"), files(a="1\n2\n3\nfour\n")
    merged = bare.merge(base, ours, theirs)
    assert merged == Merge(files(a="one\n2\n3\nfour\n", b="b\n"))
    conflict = bare.merge(base, ours, files(a="uno\n2\n3\n4\n"))
    assert conflict.conflicts == ("a",)
    assert "CONFLICT (content)" in conflict.messages
    assert bare.keep_ours(conflict, base, ours, files(a="uno\n2\n3\n4\n")) == (ours, ("a",))
    gone = bare.merge(base, files(b="b\n"), theirs)
    assert gone.conflicts == ("a",)
    assert bare.keep_ours(gone, base, files(b="b\n"), theirs) == (files(b="b\n"), ("a",))


LONG = "".join(f"line {number}\n" for number in range(30))
MINE, THEIRS = LONG.replace("line 3\n", "mine\n"), LONG.replace("line 3\n", "theirs\n")
LINK, SUBMODULE = ("120000", "target"), ("160000", "1" * 40)
Files = dict[str, str | tuple[str, str]]

# What the template had, what users made of it, what the template has now, what is kept beside a conflict in `z`.
KEPT: dict[str, tuple[Files, Files, Files, Files]] = {
    "a file where the template has a folder": ({}, {"d": MINE}, {"d/x": THEIRS}, {"d": MINE}),
    "a folder where the template has a file": ({}, {"d/x": MINE}, {"d": THEIRS}, {"d/x": MINE}),
    "the template renames what both changed": ({"a": LONG}, {"a": MINE}, {"b": THEIRS}, {"b": MINE}),
    "the user renames what both changed": ({"a": LONG}, {"b": MINE}, {"a": THEIRS}, {"b": MINE}),
    "both rename to different names": ({"a": LONG}, {"b": MINE}, {"c": THEIRS}, {"b": MINE}),
    "both rename different files to one name": (
        {"a": LONG, "b": LONG.replace("line", "row")},
        {"c": MINE, "b": LONG.replace("line", "row").replace("row 3\n", "mine\n")},
        {"a": LONG, "c": LONG.replace("line", "row")},
        {"c": MINE, "b": LONG.replace("line", "row").replace("row 3\n", "mine\n")},
    ),
    "the template renames to a name that the user has taken": (
        {"a": LONG},
        {"a": MINE, "b": "other\n"},
        {"b": LONG},
        {"a": MINE, "b": "other\n"},
    ),
    "the template renames into a folder where the user has a file": (
        {"a": LONG},
        {"a": MINE, "d": "other\n"},
        {"d/a": THEIRS},
        {"a": MINE, "d": "other\n"},
    ),
    "the template removes what the user renames": ({"a": LONG}, {"b": MINE}, {}, {"b": MINE}),
    "the template renames what the user removes": ({"a": LONG}, {}, {"b": THEIRS}, {}),
    "the template removes what the user changes": ({"a": LONG}, {"a": MINE}, {}, {"a": MINE}),
    "the user removes what the template changes": ({"a": LONG}, {}, {"a": THEIRS}, {}),
    "both add a file": ({}, {"a": MINE}, {"a": THEIRS}, {"a": MINE}),
    "a link where the template has a file": ({}, {"a": LINK}, {"a": THEIRS}, {"a": LINK}),
    "a file where the template has a link": ({}, {"a": MINE}, {"a": LINK}, {"a": MINE}),
    "a submodule where the template has a file": ({}, {"a": SUBMODULE}, {"a": THEIRS}, {"a": SUBMODULE}),
    "a submodule where the template has a folder": ({}, {"a": SUBMODULE}, {"a/b": THEIRS}, {"a": SUBMODULE}),
    "the template renames a folder that the user adds to": (
        {"d/a": LONG, "d/b": LONG.replace("line", "row")},
        {"d/a": LONG, "d/b": LONG.replace("line", "row"), "d/c": MINE},
        {"e/a": LONG, "e/b": LONG.replace("line", "row")},
        {"e/a": LONG, "e/b": LONG.replace("line", "row"), "e/c": MINE},
    ),
    "a clean rename takes the user's change along": (
        {"a": LONG},
        {"a": LONG.replace("line 25\n", "mine\n")},
        {"b": THEIRS},
        {"b": THEIRS.replace("line 25\n", "mine\n")},
    ),
    "a clean rename takes along most of the file, which the user wrote anew": (
        {"a": LONG},
        {"a": "".join(f"{'line' if number < 8 else 'mine'} {number}\n" for number in range(30))},
        {"b": THEIRS},
        {
            "b": "".join(f"{'line' if number < 8 else 'mine'} {number}\n" for number in range(30)).replace(
                "line 3", "theirs"
            )
        },
    ),
}


@pytest.mark.parametrize("shape", KEPT)
def test_nothing_of_ours_is_lost_whatever_the_conflict(tmp_path: Path, shape: str) -> None:
    bare = repository(tmp_path)
    bare.start()

    def written(files: Files) -> str:
        entries = {}
        for path, written in files.items():
            mode, text = written if isinstance(written, tuple) else ("100644", written)
            entries[path] = Entry(mode, text if mode == "160000" else content(bare, text))
        index = merging.Index(bare._processes)
        index.load(bare.empty_tree())
        return index.update(entries)

    before, mine, theirs, expected = KEPT[shape]
    base, ours, new = (
        written({**files, "z": z}) for files, z in ((before, "z\n"), (mine, "mine\n"), (theirs, "theirs\n"))
    )
    merge = bare.merge(base, ours, new)
    assert not merge.clean
    kept, paths = bare.keep_ours(merge, base, ours, new)
    assert bare._objects.files(kept) == bare._objects.files(written({**expected, "z": "mine\n"}))
    assert "z" in paths
    assert not any("~" in path for path in paths)
