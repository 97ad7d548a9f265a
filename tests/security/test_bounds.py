"""Attack stories: what somebody piles up in a repository of theirs takes few requests and little memory of ours.

The numbers are counted: requests to GitHub, git's processes, bytes. docs/decisions/0061 says where each limit is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from github.Requester import Requester

from custom_resources.clients import request_limit
from custom_resources.clients.git import BareRepository, Git, merging, objects
from custom_resources.clients.github import GitHub
from custom_resources.clients.request_limit import RequestLimit
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.delivery.lineage import PROPOSALS, TEMPLATE_REF, Delivery, message
from custom_resources.errors import HistoryTooLarge, TooManyRequests
from standins.github.bare import Bare
from standins.github.server import GitHubStandIn
from tests.git_processes import counted
from tests.integration.world import Content, Project, World, refused
from tests.seals import ANOTHER
from tests.security.attacks import commit, unsealed, write_refs

V1: dict[str, Content] = {"README.md": "# Template\n", "train.py": "one\n"}
V2: dict[str, Content] = {**V1, "new.py": "n\n"}
HUGE = 95 * 1024 * 1024


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with GitHubStandIn.running(tmp_path / "github", 0) as github:
        yield World(github, tmp_path / "home")


@pytest.fixture
def ours(world: World) -> Project:
    return Project(world, world.publish("v1", V1)).launch()


# -- requests --------------------------------------------------------------------------------------------------------


def test_proposals_of_an_older_launch_that_somebody_wrote_cost_ten_look_ups(world: World, ours: Project) -> None:
    """Without any proof a launch from before there were any is believed: the newest ten, and no more."""
    unsealed(ours)
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v0", "a.zip")
    sha = commit(ours.bare, f"Template\n\n{delivery.trailers()}\n", ours.tip())
    write_refs(ours.bare, {f"{PROPOSALS}template-v{n}/{delivery.key}": sha for n in range(2600)})
    world.requests()
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    asked = world.requests()
    assert len(asked) <= 28, "ten pull requests with a comparison each, and what an update takes"


def test_the_request_limit_ends_a_reconcile_in_a_sentence(world: World, ours: Project) -> None:
    ours.variables = {f"NAME_{n}": "value" for n in range(150)}  # changed: each takes two requests
    ours.create_configuration()
    other = Project(world, ours.version, project="p2", name="p2-build")
    world.requests()
    said = refused(lambda: ours.configure({}, dict.fromkeys(ours.variables, "another")))
    assert said.startswith("The operation needs more than 200 requests to GitHub")
    assert other.launch().attributes["Status"] == "created", "nobody else waits"


def test_no_request_is_made_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limit, "MOST", 3)
    limit = RequestLimit()
    github = GitHub("http://127.0.0.1:9", lambda: GitHubCredentials(token="ghp_x"), limit=limit)
    made: list[str] = []

    def answer(_: Any, verb: str, path: str, **__: Any) -> tuple[int, dict[str, str], str]:
        made.append(f"{verb} {path}")
        return 404, {}, ""

    monkeypatch.setattr(Requester, "requestJson", answer)
    for _ in range(5):
        assert github.find_repository("acme/x") is None, "nothing is limited before a reconcile begins"
    limit.begin()
    for _ in range(3):
        github.find_repository("acme/x")
    with pytest.raises(TooManyRequests):
        github.find_repository("acme/x")
    assert len(made) == 8
    limit.begin()
    assert github.find_repository("acme/x") is None


def test_gits_requests_count_as_well(world: World, ours: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limit, "MOST", 2)
    assert "more than 2 requests" in refused(lambda: ours.update(world.publish("v2", V2)))


# -- sizes -----------------------------------------------------------------------------------------------------------


def huge(project: Project) -> str:
    """Write a commit of 95 MB, which packs to 92 kB, of our robot and with trailers."""
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", project.version.archive, "stack")
    return commit(project.bare, f"{'x' * HUGE}\n\n{delivery.trailers()}\n")


def test_a_huge_commit_in_the_lineages_place_is_not_fetched(world: World, ours: Project) -> None:
    sha = huge(ours)
    proposal = f"{PROPOSALS}template-v2/1700000000-{'0' * 40}-{'1' * 40}"
    write_refs(ours.bare, {TEMPLATE_REF: sha, "refs/studio/stack": sha, proposal: sha})
    world.requests()
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert sum(entry.bytes_out for entry in world.requests()) < 50_000
    assert ours.refs()[TEMPLATE_REF] in ours.parents()
    write_refs(ours.bare, {TEMPLATE_REF: sha})
    world.requests()
    ours.delete()
    assert sum(entry.bytes_out for entry in world.requests()) < 50_000
    assert ours.state.archived


@pytest.mark.long  # a commit of a hundred megabytes is made and fetched
@pytest.mark.parametrize("place", ["refs/heads/main", TEMPLATE_REF])
def test_a_huge_commit_that_must_be_fetched_is_refused_in_a_sentence(world: World, ours: Project, place: str) -> None:
    """In the default branch; or in the lineage's place of a launch from before there were proofs."""
    unsealed(ours)
    sha = huge(ours)
    write_refs(ours.bare, {place: sha})
    before = ours.tip(), ours.refs()[TEMPLATE_REF]
    said = refused(lambda: ours.update(world.publish("v2", V2)))
    assert said == (
        "The repository has a commit or folder with more than 67,108,864 bytes, the maximum that the function fetches. "
        "Remove it from the default branch and from the branches of the template's pull requests."
    )
    assert (ours.tip(), ours.refs()[TEMPLATE_REF]) == before
    ours.delete()
    assert ours.state.archived, "it stops no deletion"


MEMORY = """
import re, resource, sys
from pathlib import Path
from custom_resources.clients.git import Git
from custom_resources.errors import RepositoryTooLarge
server, name, sha = sys.argv[1:]
git = Git(server, lambda _: sys.stdin.readline().strip(), lambda rejected: False)
with git.open(name) as repository:
    repository.look()
    try:
        repository.fetch(sha)
        repository.commit(sha)
    except RepositoryTooLarge as refused:
        print(type(refused).__name__)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.long
@pytest.mark.parametrize(("size", "error"), [(HUGE, "ObjectNotFetched"), (60 * 1024 * 1024, "ObjectTooLarge")])
def test_a_huge_commit_takes_little_memory(world: World, ours: Project, size: int, error: str) -> None:
    sha = commit(ours.bare, "x" * size)
    write_refs(ours.bare, {"refs/heads/huge": sha})
    arguments = [world.github.server_url, ours.state.full_name, sha]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *arguments],
        input=world.github.token.encode(),
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    name, *megabytes = done.stdout.decode().split()
    assert name == error
    assert max(map(int, megabytes)) < 256, "of the 512 MB that a function has"


def test_a_history_full_of_quotations_is_refused_in_a_sentence(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_resources.clients.git.repository._MOST_OF_HISTORY", 50_000)
    delivery = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a.zip")
    tree, tip = ours.bare.resolve("main^{tree}"), ours.tip()
    for _ in range(100):
        tip = commit(ours.bare, f"{message('Quote', delivery, ANOTHER)}\n{'x' * 1000}", tip, tree=tree, robot=False)
    write_refs(ours.bare, {"refs/heads/main": tip, TEMPLATE_REF: ""})
    said = refused(lambda: ours.update(world.publish("v2", V2)))
    assert said.startswith("The history of the default branch has more than 50,000 bytes of commit messages")


def test_of_a_history_that_is_too_large_only_the_beginning_reaches_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("custom_resources.clients.git.repository._MOST_OF_HISTORY", 50_000)
    written = tmp_path / "history"
    bare = BareRepository(Git("https://github.com", lambda _: "x", lambda _: False), "acme/x", tmp_path, 1)
    bare.start()
    there = Bare(bare.path)
    tree = there.text("hash-object", "-t", "tree", "-w", "/dev/null")
    tip = commit(there, "x" * 1_000_000, tree=tree, robot=False)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: written.open("wb+"))
    with pytest.raises(HistoryTooLarge):
        bare.history(tip)
    assert 50_000 < written.stat().st_size <= 50_000 + 65_536, "what is over the limit is one block read at most"


def test_folders_that_are_one_and_the_same_are_not_counted_for_ever(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten empty folders in each of ten, ten levels deep, hold no file: nothing else would end the walk."""
    monkeypatch.setattr(objects, "_MOST_FOLDERS", 1000)
    tree = ours.bare.text("hash-object", "-t", "tree", "-w", "/dev/null")
    for _ in range(10):
        entries = b"".join(b"40000 %d\0" % n + bytes.fromhex(tree) for n in range(10))
        _, out = ours.bare.run("hash-object", "--literally", "-t", "tree", "-w", "--stdin", stdin=entries)
        tree = out.decode().strip()
    write_refs(ours.bare, {"refs/heads/main": commit(ours.bare, "Work", ours.tip(), tree=tree, robot=False)})
    said = refused(lambda: ours.update(world.publish("v2", V2)))
    assert said == "The repository has more than 1,000 folders, the maximum. Remove folders that you do not need."


# -- .gitattributes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "paths",
    [
        [f"{'d' * 250}/{n}/.gitattributes" for n in range(3)],
        [f"d{n}/.gitattributes" for n in range(1000)],
        ["a/" * 1800 + ".gitattributes"],  # deeper than Python's recursion goes
    ],
    ids=["long", "many", "deep"],
)
def test_attributes_anywhere_cost_one_request_and_no_process(world: World, ours: Project, paths: list[str]) -> None:
    attributes = {path: f"*.txt text # {number}\n" for number, path in enumerate(paths)}
    committed(ours, {**attributes, "train.py": "mine\none\n"})
    v2 = world.publish("v2", {**V1, "new.py": "n\n"})
    world.requests()
    with counted() as started:
        assert ours.update(v2)["Status"] == "merged"
    assert len(world.requests()) == 6, "refs, commits, comparison, the attributes, the push"
    assert len(started) == 6


def test_attributes_cost_no_process_each_where_the_server_gives_no_object_by_name(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then git fetches them: all at once."""
    committed(ours, {f"d{n}/.gitattributes": f"*.txt text # {n}\n" for n in range(200)})
    receive = BareRepository._receive

    def nothing_by_name(self: BareRepository, wanted: list[str], *, depth: bool) -> bool:
        return depth and receive(self, wanted, depth=depth)

    monkeypatch.setattr(BareRepository, "_receive", nothing_by_name)
    with counted() as started:
        assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert len(started) < 15


def test_a_folder_whose_name_no_checkout_can_have_is_passed_over(world: World, ours: Project) -> None:
    committed(ours, {f"{'x' * 300}/.gitattributes": "*.txt text\n", f"{'x' * 300}/deep/.gitattributes": "a b\n"})
    assert ours.update(world.publish("v2", V2))["Status"] == "merged"
    assert ours.files()["new.py"] == "n\n"


@pytest.mark.parametrize("path", ["../{}", "a/../../{}", "./{}", ".git/{}", "a/.git/{}", "a//{}"])
def test_attributes_are_written_nowhere_but_in_the_checkout(tmp_path: Path, path: str) -> None:
    """A folder can hold any name, also one that no git would check out."""
    server = Git("http://127.0.0.1:9", lambda _: "ghp_x", lambda rejected: False)
    repository = BareRepository(server, "acme/x", tmp_path, 1)
    repository.start()
    blob = repository._processes.run("hash-object", "-w", "--stdin", stdin=b"* text", offline=True)[1].decode().strip()
    attributes = {path.format(".gitattributes"): blob, "a/.gitattributes": blob}
    with merging.checkout(repository._processes, repository._objects, attributes) as (_, directory):
        assert directory is not None
        assert [*tmp_path.rglob(".gitattributes")] == [directory / "a" / ".gitattributes"]
    repository.close()
    assert [*tmp_path.rglob("*attributes*")] == []


def test_too_many_attributes_are_refused_in_a_sentence(
    world: World, ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "_MOST_ATTRIBUTES", 2)
    committed(ours, {f"d{n}/.gitattributes": "*.txt text\n" for n in range(3)})
    said = refused(lambda: ours.update(world.publish("v2", V2)))
    assert said == (
        "The repository has more than 2 .gitattributes files, the maximum. "
        "Remove .gitattributes files that you do not need."
    )


def committed(project: Project, files: dict[str, str]) -> None:
    """Commit files whose names no working tree need have, with git's fast-import."""
    lines = [b"commit refs/heads/main\ncommitter Ada <ada@example.com> 1700000000 +0000\ndata 4\nwork\n"]
    lines += [f"from {project.tip()}\n".encode()]
    for path, text in files.items():
        lines += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n".encode()]
    project.bare.run("fast-import", "--quiet", stdin=b"".join(lines))


# -- what goes to GitHub ---------------------------------------------------------------------------------------------


def test_a_pull_request_about_long_names_is_opened(world: World) -> None:
    folders = "/".join("🙂" * 60 for _ in range(12))
    names = {f"{folders}/{n}.py": "one\n" for n in range(120)}
    project = Project(world, world.publish("v1", {**V1, **names})).launch()
    committed(project, dict.fromkeys(names, "mine\n"))
    theirs: dict[str, Content] = {**V1, **dict.fromkeys(names, "theirs\n")}
    assert project.update(world.publish("v2", theirs))["Status"] == "pull-request"
    [pull] = project.pulls()
    assert len(pull["body"]) <= 65_536
    assert pull["body"].endswith("<!-- studio-project-template -->")


@pytest.mark.parametrize("version", ["v2+1", "v2.0.0-rc.1+build.5"])
def test_a_version_with_a_plus_finds_its_pull_request_again(world: World, ours: Project, version: str) -> None:
    committed(ours, {"train.py": "mine\n"})
    v2 = world.publish(version, {**V1, "train.py": "two\n"})
    assert ours.update(v2)["Status"] == "pull-request"
    [pull] = ours.pulls()
    assert pull["head"]["ref"] == f"studio/template-{version}"
    assert ours.update()["PullRequestUrl"] == pull["html_url"]
    assert ours.update(world.publish("v3", {**V1, "train.py": "three\n"}))["Status"] == "pull-request"
    [successor] = ours.pulls()
    assert successor["head"]["ref"] == "studio/template-v3"
    assert successor["number"] > pull["number"], "the one with the plus was found, and closed"


def test_a_thousand_branches_in_the_way_are_stepped_over(world: World, ours: Project) -> None:
    tip = ours.tip()
    taken = [f"refs/heads/studio/template-v2{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1001)))]
    write_refs(ours.bare, dict.fromkeys(taken, tip))
    committed(ours, {"train.py": "mine\n"})
    assert ours.update(world.publish("v2", {**V1, "train.py": "two\n"}))["Status"] == "pull-request"
    assert ours.pulls()[0]["head"]["ref"] == "studio/template-v2-1001"
