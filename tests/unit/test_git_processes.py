"""Which processes of git a repository takes, with what; how long each may take, and how much it may say."""

from __future__ import annotations

import io
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from custom_resources.clients.git import BareRepository, Git, Merge, PushRejected, Refs, RepositoryArchived, Stage
from custom_resources.clients.git import repository as repositories
from custom_resources.clients.git.failures import GitFailed, RequestFailed, ServerRefused
from custom_resources.clients.git.ignoring import Ignored
from custom_resources.clients.git.merging import _Answer, _understood
from custom_resources.clients.git.processes import GENEROUS, MODEST, TIME_LIMIT_SECONDS, Processes
from custom_resources.clients.git.upload_pack import Advertisement, Pack
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.errors import GitFailing, GitLimited, GitTooSlow, HistoryTooLarge, OutOfTime
from custom_resources.template_content import TemplateFile

A, B, C = "a" * 40, "b" * 40, "c" * 40


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[BareRepository]:
    git = Git("https://127.0.0.1:9/", lambda _: "ghs_canary", lambda rejected: False)  # nobody answers there
    repository = BareRepository(git, "acme/r", tmp_path, 1_700_000_000)
    repository.start()
    yield repository
    repository.close()


class Shell:
    """What runs a script in place of git, and notes how it was started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, bare: BareRepository, script: str = "cat") -> None:
        self.started: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        self.script = script
        monkeypatch.setattr(bare._processes, "start", self.start)

    def start(self, arguments: Sequence[str], stdin: Any, **options: Any) -> subprocess.Popen[bytes]:
        self.started.append((tuple(arguments), options))
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
        return subprocess.Popen(["sh", "-c", self.script], stdin=stdin, **pipes)


# -- one process -----------------------------------------------------------------------------------------------------


def test_a_process_is_started_in_its_folder_with_its_variables(bare: BareRepository, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    processes = bare._processes
    for directory, expected in ((None, processes.home), (folder, folder)):
        with processes.start(
            ["-c", "alias.x=!pwd; echo $OWN; cat", "x"],
            subprocess.PIPE,
            variables={"OWN": "mine"},
            directory=directory,
            offline=True,
        ) as process:
            out, _ = process.communicate(b"given")
        where, own, rest = out.decode().split("\n")
        assert (Path(where).resolve(), own, rest) == (expected.resolve(), "mine", "given")


@pytest.mark.parametrize("given", [b"content", io.BytesIO(b"content")], ids=["bytes", "file"])
def test_a_process_reads_what_it_is_given_and_its_words_come_back(
    bare: BareRepository, given: Any, tmp_path: Path
) -> None:
    if not isinstance(given, bytes):
        (tmp_path / "given").write_bytes(given.getvalue())
        given = (tmp_path / "given").open("rb")
    code, out = bare._processes.run("hash-object", "--stdin", stdin=given, offline=True)
    assert (code, out) == (0, b"6b584e8ece562ebffc15d38808cd6b98fc3d97ea\n")


def test_how_a_process_is_run_is_passed_on(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shell, out = Shell(monkeypatch, bare), io.BytesIO(b"")
    processes = bare._processes
    processes.run("fetch", "-q", environment={"A": "b"}, directory=tmp_path, offline=True)
    processes.run("fetch")
    processes.feed("index-pack", blocks=[b"x"], settings={"c.d": "e"}, environment={"F": "g"})
    processes.pour("pack-objects", "--all", stdin=b"names", into=out)
    assert shell.started == [
        (("fetch", "-q"), {"variables": {"A": "b"}, "directory": tmp_path, "offline": True}),
        (("fetch",), {"variables": {}, "directory": None, "offline": False}),
        (("index-pack",), {"offline": True, "settings": {"c.d": "e"}, "variables": {"F": "g"}}),
        (("pack-objects", "--all"), {}),
    ]
    assert out.getvalue() == b"names"


def test_what_is_fed_arrives_in_its_order(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Shell(monkeypatch, bare, f"cat > {tmp_path / 'fed'}")
    bare._processes.feed("index-pack", blocks=[b"one", b"two"], settings={}, environment={})
    assert (tmp_path / "fed").read_bytes() == b"onetwo"


def test_a_process_that_ends_before_it_has_read_all_is_told_by_its_own_word(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    Shell(monkeypatch, bare, "echo broken >&2; exit 3")
    with pytest.raises(GitFailed) as failed:
        bare._processes.feed("index-pack", blocks=[b"x" * 65536] * 40, settings={}, environment={})
    assert str(failed.value) == "git index-pack ended with 3: broken"


@pytest.mark.parametrize(
    ("most", "said", "fails"),
    [(0, b"12345", True), (6, b"12345", True), (5, b"12345", True), (4, b"12345", False)],
)
def test_what_a_process_says_has_a_limit_and_its_failure_counts_up_to_it(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, most: int, said: bytes, fails: bool
) -> None:
    Shell(monkeypatch, bare, "printf 12345; echo gone >&2; exit 1")
    out = io.BytesIO()
    if fails:
        with pytest.raises(GitFailed, match="git log ended with 1: gone"):
            bare._processes.pour("log", stdin=b"", into=out, most=most)
    else:
        bare._processes.pour("log", stdin=b"", into=out, most=most)
    assert out.getvalue() == said


def test_a_process_that_says_too_much_is_ended(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    Shell(monkeypatch, bare, "yes")
    out, begun = io.BytesIO(), time.monotonic()
    bare._processes.pour("log", stdin=b"", into=out, most=200_000)
    assert 200_000 < out.tell() <= 200_000 + 65536
    assert time.monotonic() - begun < 30


class Left(RequestLimit):
    """A limit of a call that has so many seconds left, and notes what was asked of it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.asked: list[float] = []

    def left(self, most: float) -> float:
        self.asked.append(most)
        return min(most, self.seconds)


SLOW = {
    "run": lambda processes: processes.run("fetch"),
    "feed": lambda processes: processes.feed("fetch", blocks=[], settings={}, environment={}),
    "feed, which is not read": lambda processes: processes.feed(
        "fetch", blocks=[b"x" * 65536] * 40, settings={}, environment={}
    ),
    "pour": lambda processes: processes.pour("fetch", stdin=b"", into=io.BytesIO()),
}


@pytest.mark.parametrize("how", SLOW)
def test_a_process_that_takes_too_long_is_ended_and_asked_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    limit = Left(0.2)
    server = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False, limit)
    slow = BareRepository(server, "acme/r", tmp_path, 1)
    Shell(monkeypatch, slow, "exec sleep 60")
    begun = time.monotonic()
    with pytest.raises(GitTooSlow) as told:
        SLOW[how](slow._processes)
    assert time.monotonic() - begun < 30
    assert "git fetch" in str(told.value)
    assert "0 seconds" in str(told.value)
    assert told.value.seconds == 5
    assert set(limit.asked) == {TIME_LIMIT_SECONDS}


def test_a_process_may_be_given_less_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Left(9)
    processes = Processes(tmp_path, tmp_path / "r.git", dict, limit)
    assert processes.seconds == 9
    server = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False, limit)
    bare = BareRepository(server, "acme/r", tmp_path, 1)
    Shell(monkeypatch, bare)
    bare._processes.run("check-ignore", most=3)
    assert limit.asked == [TIME_LIMIT_SECONDS, 3]


# -- histories -------------------------------------------------------------------------------------------------------


def test_a_history_is_read_up_to_its_limit(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = bare.commit_tree(bare.empty_tree(), (), "one")
    told = bare._processes.run("log", "-z", "--topo-order", "--format=%H%x01%T%x01%P%x01%ce%x01%B", commit)[1]
    monkeypatch.setattr(repositories, "_MOST_OF_HISTORY", len(told))
    assert [each.sha for each in bare.history(commit)] == [commit]
    monkeypatch.setattr(repositories, "_MOST_OF_HISTORY", len(told) - 1)
    with pytest.raises(HistoryTooLarge, match=f"has more than {len(told) - 1} bytes of commit messages"):
        bare.history(commit)


def test_only_commits_that_say_something_are_listed_if_that_is_wanted(bare: BareRepository) -> None:
    tree = bare.empty_tree()
    first = bare.commit_tree(tree, (), "one\n\nStudio.Domain")
    second = bare.commit_tree(tree, (first,), "two\n\nStudioxDomain")
    assert [each.sha for each in bare.history(second)] == [second, first]
    assert [each.sha for each in bare.history(second, "Studio.Domain")] == [first], "it is no pattern"


# -- fetches ---------------------------------------------------------------------------------------------------------


class Remote:
    """What a server gives: in one request, by name, or not at all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, refuses: bool = False, named: bool = True) -> None:
        self.asked: list[tuple[str, list[str], bool, list[str]]] = []
        self.refuses, self.named = refuses, named
        monkeypatch.setattr(repositories, "at_once", self.at_once)
        monkeypatch.setattr(repositories, "by_name", self.by_name)

    @contextmanager
    def at_once(
        self, conversation: Any, advertised: Any, wanted: Sequence[str], *, depth: bool, shallow: Sequence[str]
    ) -> Iterator[Pack]:
        self.asked.append(("at once", list(wanted), depth, list(shallow)))
        if self.refuses:
            raise ServerRefused("not our ref")
        yield Pack((C,) if depth else (), iter([b"PACK"]))

    @contextmanager
    def by_name(
        self, conversation: Any, wanted: Sequence[str], *, depth: bool, shallow: Sequence[str]
    ) -> Iterator[Pack | None]:
        self.asked.append(("by name", list(wanted), depth, list(shallow)))
        yield Pack((C,) if depth else (), iter([b"PACK"])) if self.named else None


ALL = frozenset(
    {"no-done", "multi_ack_detailed", "side-band-64k", "ofs-delta", "filter", "shallow", "allow-reachable-sha1-in-want"}
)
TAKEN = ("index-pack", "--stdin", "--promisor")
FETCHED = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head")


def test_commits_come_in_one_request_and_are_not_asked_for_again(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, remote = Shell(monkeypatch, bare), Remote(monkeypatch)
    bare._advertised = Advertisement({"refs/heads/main": A}, ALL)
    (bare.path / "shallow").write_text(f"{B}\n")
    bare.fetch(A, "", A)
    bare.fetch(A)
    bare.fetch("")
    bare.fetch()
    assert remote.asked == [("at once", [A], True, [B])]
    settings = {"core.bigFileThreshold": "8m"}
    assert shell.started == [(TAKEN, {"offline": True, "settings": settings, "variables": MODEST})]
    assert (bare.path / "shallow").read_text() == f"{B}\n{C}\n"


@pytest.mark.parametrize("refuses", [True, False])
def test_contents_that_do_not_come_at_once_come_by_name(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, refuses: bool
) -> None:
    shell, remote = Shell(monkeypatch, bare), Remote(monkeypatch, refuses=refuses)
    bare._advertised = Advertisement({}, ALL if refuses else frozenset())
    (bare.path / "shallow").write_text(f"{B}\n")
    bare._fetch_contents([B, A, A])
    bare._fetch_contents([A])
    by_name: tuple[str, list[str], bool, list[str]] = ("by name", [A, B], False, [])
    assert remote.asked == ([("at once", [A, B], False, []), by_name] if refuses else [by_name])
    assert [(arguments, options["variables"]) for arguments, options in shell.started] == [(TAKEN, GENEROUS)]
    assert (bare.path / "shallow").read_text() == f"{B}\n"


def test_contents_that_were_written_here_are_not_fetched(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote(monkeypatch)
    bare._fetch_contents([bare._objects.store("blob", b"x")])
    assert remote.asked == []


def test_a_server_that_gives_neither_is_read_by_gits_own_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = RequestLimit()
    limit.begin()
    server = Git("https://127.0.0.1:9", lambda _: "ghs_canary", lambda rejected: False, limit)
    bare = BareRepository(server, "acme/r", tmp_path, 1)
    shell = Shell(monkeypatch, bare, f"cat >> {tmp_path / 'given'}")
    Remote(monkeypatch, named=False)
    bare.fetch(B, A)
    bare._fetch_contents([B, A])
    bare.fetch_history(A)
    (bare.path / "shallow").write_text(f"{B}\n")
    bare.fetch_history(A)
    sent = [(arguments, options["variables"]) for arguments, options in shell.started]
    assert sent == [
        ((*FETCHED, "--depth=1", "--filter=blob:none", "origin", A, B), MODEST),
        ((*FETCHED, "--filter=blob:none", "--stdin", "origin"), GENEROUS),
        ((*FETCHED, "--filter=tree:0", "origin", A), MODEST),
        ((*FETCHED, "--filter=tree:0", "--unshallow", "origin", A), MODEST),
    ]
    assert not any(options["offline"] for _, options in shell.started)
    assert (tmp_path / "given").read_text() == f"{A}\n{B}\n"
    assert limit._made == 4 * 3, "each takes up to three requests"


@pytest.mark.parametrize("fetch", [BareRepository.fetch, BareRepository.fetch_history])
def test_what_fetches_first_makes_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetch: Callable[[BareRepository, str], None]
) -> None:
    bare = BareRepository(Git("https://127.0.0.1:9", lambda _: "t", lambda _: False), "acme/r", tmp_path, 1)
    Shell(monkeypatch, bare, "true")
    Remote(monkeypatch, named=False)
    assert not bare.path.exists()
    fetch(bare, A)
    assert (bare.path / "HEAD").exists()


def test_a_fetch_that_fails_is_no_fetch(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    Shell(monkeypatch, bare, "echo 'returned error: 429' >&2; exit 128")
    for _ in range(2):
        Remote(monkeypatch)
        with pytest.raises(GitLimited, match="reading the repository"):
            bare.fetch(A)
        with pytest.raises(GitFailed, match="returned error: 429"):  # its callers tell what it means
            bare._fetch_contents([A])
        with pytest.raises(GitLimited, match="reading the repository"):
            bare.fetch_history(A)


# -- commits of given files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parent", ["", B])
def test_a_commit_of_files_is_one_stream(bare: BareRepository, monkeypatch: pytest.MonkeyPatch, parent: str) -> None:
    shell = Shell(monkeypatch, bare, "cat; echo")
    files = [TemplateFile("a/\u00e4", b"one\n"), TemplateFile('b"\\\n', b"", executable=True)]
    said = bare.import_commit(files, "Subj\u00e4ct", parent)
    assert said.encode() == (
        b"commit refs/import/commit\nmark :1\n"
        b"committer Studio project template <studio-project-template@users.noreply.github.com> 1700000000 +0000\n"
        b"data 8\nSubj\xc3\xa4ct\n" + (f"merge {B}\n".encode() if parent else b"") + b'M 100644 inline "a/\xc3\xa4"\n'
        b'data 4\none\n\nM 100755 inline "b\\"\\\\\\n"\ndata 0\n\nget-mark :1'
    )
    [(arguments, options)] = shell.started
    assert (arguments, options["offline"]) == (("fast-import", "--quiet", "--force"), not parent)
    remote = Remote(monkeypatch)
    bare._fetch_contents(["5626abf0f72e58d7a153368ba57db4c673c0e171", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"])
    assert remote.asked == [], "what was written is here"


# -- pushes ----------------------------------------------------------------------------------------------------------

MAIN = "refs/heads/main"
REJECTED: dict[str, tuple[Exception, type[Exception], int, bool]] = {
    "a rule": (RequestFailed("GH013: Repository rule violations"), PushRejected, 1, False),
    "an archive": (RequestFailed("This repository was archived so it is read-only"), RepositoryArchived, 1, False),
    "a limit": (RequestFailed("slow down", 429, 7), GitLimited, 1, True),  # its words may be of a report that was cut
    "a failure": (RequestFailed("the connection failed"), GitFailing, 4, True),
}


def pushing(monkeypatch: pytest.MonkeyPatch, *answers: Exception | None) -> list[Any]:
    sent: list[Any] = []
    left = list(answers)

    def push(conversation: Any, moves: Any, write_pack: Any) -> None:
        sent.append([(move.ref, move.old, move.new) for move in moves])
        if answer := left.pop(0):
            raise answer

    monkeypatch.setattr(repositories, "push", push)
    monkeypatch.setattr("custom_resources.clients.repeating.FIRST_SECONDS", 0.0)
    return sent


def test_a_push_moves_what_is_not_where_it_shall_be(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pushing(monkeypatch, None)
    assert not bare._server.limit.writes.landed
    bare.push(Refs("main", {MAIN: A, "refs/x": B}), {MAIN: B, "refs/x": B, "refs/y": C, "refs/z": ""})
    assert sent == [[(MAIN, A, B), ("refs/y", "", C)]]
    assert bare._server.limit.writes.landed
    assert bare._server.replicas.has_written


def test_a_push_of_nothing_is_no_write(bare: BareRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pushing(monkeypatch)
    bare.push(Refs("main", {MAIN: A}), {MAIN: A})
    assert sent == []
    assert not bare._server.limit.writes.landed


@pytest.mark.parametrize("what", REJECTED)
def test_only_a_push_that_was_refused_as_a_whole_has_changed_nothing(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    answer, kind, times, landed = REJECTED[what]
    sent = pushing(monkeypatch, *[answer] * 4)
    with pytest.raises(kind):
        bare.push(Refs(), {MAIN: A})
    assert len(sent) == times, "only what passes is repeated"
    assert bare._server.limit.writes.landed is landed
    assert not bare._server.replicas.has_written


def test_a_push_that_failed_for_a_cause_that_passes_is_made_again(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pushing(monkeypatch, RequestFailed("the connection failed"), None)
    bare.push(Refs(), {MAIN: A})
    assert len(sent) == 2
    assert bare._server.replicas.has_written


def test_a_push_holds_what_is_new_and_leads_to_nothing_that_is_there(
    bare: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, out = Shell(monkeypatch, bare), io.BytesIO()
    bare._here = {A}
    bare._write_pack(out, {C, B}, {A, "d" * 40})
    assert out.getvalue().decode() == f"{B}\n{C}\n^{A}\n"
    assert shell.started == [(("pack-objects", "--revs", "--stdout", "--delta-base-offset", "--quiet"), {})]
    nothing = io.BytesIO()
    bare._write_pack(nothing, {A}, {A, B})
    assert nothing.getvalue()[:12] == b"PACK\0\0\0\2\0\0\0\0"
    assert len(shell.started) == 1


def test_an_empty_pack_is_one_to_git(bare: BareRepository) -> None:
    pack = io.BytesIO()
    bare._write_pack(pack, {A}, {A})
    assert bare._processes.run("index-pack", "--stdin", stdin=pack.getvalue(), offline=True)[0] == 0


# -- what a merge answers --------------------------------------------------------------------------------------------


class Named:
    """A .studio-template-ignore that names these paths."""

    def __init__(self, *paths: str) -> None:
        self.paths = set(paths)

    def of(self, paths: Any) -> set[str]:
        return self.paths & set(paths)


def answered(*records: str, said: Sequence[tuple[Sequence[str], str, str]] = ()) -> _Answer:
    messages = "".join("\0".join([str(len(paths)), *paths, kind, text, ""]) for paths, kind, text in said)
    return _Answer(1, "\0".join(["tree", *records, "", messages]), (A, B))


def understood(answer: _Answer, *ignored: str) -> tuple[Merge, Mapping[str, str]]:
    return _understood(answer, cast(Ignored, Named(*ignored)))


OURS, THEIRS = Stage(2, "100644", C, "a", "a"), Stage(3, "100755", C, "a", "a")
RECORDS = (f"100644 {C} 2\ta", f"100755 {C} 3\ta")


def test_a_clean_merge_is_its_tree() -> None:
    assert understood(_Answer(0, "tree\n\0more\0", (A, B))) == (Merge("tree"), {})


def test_a_conflict_is_told_in_the_users_words() -> None:
    said = [(["a"], "Auto-merging", "Auto-merging a\n"), (["a", "b"], "CONFLICT (contents)", f"{A} and {B}: a\n")]
    merge = Merge("tree", False, (OURS, THEIRS), "Auto-merging a\nyours and template: a")
    assert understood(answered(*RECORDS, said=said)) == (merge, {})


def test_what_git_says_without_words_ends_no_list() -> None:
    said = [(["a"], "CONFLICT (x)", ""), ([], "CONFLICT (y)", "of no path")]
    merge, _ = understood(answered(*RECORDS, said=said))
    assert (merge.stages, merge.messages) == ((OURS, THEIRS), "\nof no path")


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (f"d~{A}", "d"),
        (f"d~{B}_12", "d"),
        (f"d~{A}/x", "d/x"),
        (f"d~{C}", f"d~{C}"),
        (f"d~{A}x", f"d~{A}x"),
        ("a\tb c", "a\tb c"),
    ],
)
def test_a_path_is_known_without_what_git_appends(place: str, path: str) -> None:
    merge, _ = understood(answered(f"100644 {C} 2\t{place}"))
    assert merge.stages == (Stage(2, "100644", C, place, path),)
    assert merge.conflicts == (path,)


def test_what_ours_ignores_is_not_asked_about() -> None:
    said = [(["a"], "CONFLICT (contents)", "about a"), (["b"], "Auto-merging", "about b")]
    place = f"100644 {C} 2\ta~{A}"
    assert understood(answered(place, said=said), "a") == (Merge("tree", True, (), "about b"), {"a": f"a~{A}"})
    other = [*said, (["c"], "CONFLICT (directory rename split)", "about c")]
    assert understood(answered(place, said=other), "a")[0].clean is False
    assert understood(answered(place, f"100644 {C} 2\tb"), "a")[0] == Merge(
        "tree", False, (Stage(2, "100644", C, "b", "b"),)
    )
    assert understood(answered(said=[(["b"], "Auto-merging", "about b")]), "a")[0].clean is False, "git did ask"
    assert understood(answered(f"100644 {C} 2\t.."), "..")[1] == {}, "no checkout has such a path"


def test_nothing_is_started_when_the_time_is_over(tmp_path: Path) -> None:
    limit = RequestLimit()
    limit.begin(0.001)
    limit._end = time.monotonic() - 1
    with pytest.raises(OutOfTime):
        _ = Processes(tmp_path, tmp_path / "r.git", dict, limit).seconds
