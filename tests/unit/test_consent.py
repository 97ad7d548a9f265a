"""What counts as a consent to be adopted, and what does not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from custom_resources.allowances import Allowances
from custom_resources.clients.git import Commit, Refs
from custom_resources.clients.github import Repository
from custom_resources.consent import (
    Consent,
    Known,
    Reading,
    connection_proof,
    made_by_studio,
    parsed,
    read,
    required,
    stated,
)
from custom_resources.errors import ConsentMissing, ObjectTooLarge, RepositoryClaimed
from custom_resources.reconciler import Request
from custom_resources.repository_plan import GitHubRepositoryProperties
from tests.seals import ANOTHER, SEAL

CREATED = "2026-11-27T10:00:30Z"
FOUND = Repository(
    7, "acme/notebooks", "https://github.com/acme/notebooks", "", "main", "", False, True, "private", (), CREATED
)
WHO = GitHubRepositoryProperties(
    organization="acme",
    name="notebooks",
    part="model_build",
    domain_id="d1",
    project_id="p1",
    connected_repository="acme/notebooks",
    connected_since="2026-11-27T10:00:00+00:00",
)
FRESH = Refs("main", {"HEAD": "c0", "refs/heads/main": "c0"})


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("domain: d1\nproject: p1\n", {"domain": "d1", "project": "p1"}),
        ("", {}),
    ],
)
def test_a_consent_is_a_few_plain_lines(text: str, fields: dict[str, str]) -> None:
    found = parsed(text.encode())
    assert isinstance(found, dict)
    assert found.items() >= fields.items()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("domain: d1\ndomain: d2\n", "line 2 repeats domain"),
        ("project: p1\n  archive: true\n", "line 2 does not start with domain: or project: or archive:"),
        ("project: [p1, p2]\n", "line 1 does not start with domain: or project: or archive:"),
        ("project: &a p1\n", "line 1 does not start with domain: or project: or archive:"),
        ("project: !!python/name:os.system p1\n", "line 1 does not start with domain: or project: or archive:"),
        ('project: "p1\n', "line 1 does not start with domain: or project: or archive:"),
        ("owner: me\n", "line 1 does not start with domain: or project: or archive:"),
        ("project:p1\n", "line 1 does not start with domain: or project: or archive:"),
        ("project: p1\n---\nproject: p2\n", "line 2 does not start with domain: or project: or archive:"),
        ("archive: yes\n", "archive must be true or false"),
        (" ---\nproject: p1\n", "line 1 does not start with domain: or project: or archive:"),
        ("project: p\u200b1\n", "line 1 does not start with domain: or project: or archive:"),
    ],
)
def test_whatever_else_yaml_can_say_is_refused(text: str, said: str) -> None:
    assert parsed(text.encode()) == said


@pytest.mark.parametrize("first", ["---", "--- ", "---\t", "", "  ", "# ours"])
def test_a_document_of_yaml_may_begin_as_one(first: str) -> None:
    assert parsed(f"{first}\nproject: p1 # ours\n".encode()) == {"project": "p1"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('---\n# who\r\ndomain: "d1"\n\nproject: p1  # ours\narchive: true\n',
         {"domain": "d1", "project": "p1", "archive": "true"}),
        ("--- \ndomain: d1", {"domain": "d1"}),
        ("archive: false", {"archive": "false"}),
        ("project \t:\t p-1_A \t", {"project": "p-1_A"}),
        ("project: p1\t# ours", {"project": "p1"}),
        ("project: " + "p" * 64, {"project": "p" * 64}),
        ("# nothing\n \t\n", {}),
    ],
)  # fmt: skip
def test_a_consent_is_read_to_the_letter(text: str, fields: dict[str, str]) -> None:
    assert parsed(text.encode()) == fields


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\n---\n", 2),
        (" domain: d1", 1),
        (" # indented", 1),
        ("domain: d1\nproject: " + "p" * 65, 2),
        ("project: p1#ours", 1),
        ("domain: d1\n\n# x\nProject: p1", 4),
        ("project:", 1),
        ('project: p1"', 1),
    ],
)
def test_a_line_that_is_not_understood_is_numbered(text: str, line: int) -> None:
    assert parsed(text.encode()) == f"line {line} does not start with domain: or project: or archive:"


def test_what_is_no_text_is_no_consent() -> None:
    assert parsed(b"\xff\xfe") == "the file is not UTF-8"


class File:
    """GitHub, with the file in which a consent is given: its content, none, or one that is too large."""

    def __init__(self, content: bytes | Exception | None) -> None:
        self.github = self
        self._content = content

    def small_file(self, full_name: str, path: str, limit: int) -> bytes | None:
        assert (full_name, path, limit) == ("acme/notebooks", ".github/studio-project.yml", 4096)
        if isinstance(self._content, Exception):
            raise self._content
        return self._content


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (None, Reading(problem="the file does not exist")),
        (
            ObjectTooLarge(kind="file", name="x", size=5000, limit=4096),
            Reading(problem="the file has more than 4,096 bytes"),
        ),
        (b"archive: yes", Reading(problem="archive must be true or false")),
        (b"domain: d1\nproject: p2", Reading(problem="the file names another project")),
        (b"domain: d2\nproject: p1", Reading(problem="the file names another project")),
        (b"project: p1", Reading(problem="the file names another project")),
        (b"domain: d1\nproject: p1", Reading(Consent("file"))),
        (b"domain: d1\nproject: p1\narchive: false", Reading(Consent("file"))),
        (b"domain: d1\nproject: p1\narchive: true", Reading(Consent("file", archive=True))),
    ],
)
def test_what_the_file_says_is_read_whole(content: bytes | Exception | None, reading: Reading) -> None:
    clients: Any = File(content)
    assert stated("acme/notebooks", WHO, clients) == reading


class Git:
    """The first commit of a repository."""

    def __init__(self, parents: tuple[str, ...] = (), files: tuple[str, ...] = ("README.md",)) -> None:
        self._parents, self._files = parents, files

    def fetch(self, *commits: str) -> None:
        assert commits in ((), ("c0",))

    def commit(self, sha: str) -> Commit:
        return Commit(sha, "tree", self._parents, "Initial commit")

    def message(self, sha: str) -> str:
        assert not sha, "it has no template of anybody's"
        return ""

    def entries(self, tree: str) -> dict[str, str]:
        return dict.fromkeys(self._files, "b0")


def made(found: Repository = FOUND, refs: Refs = FRESH, git: Any = None, **who: str) -> bool:
    reader: Any = git or Git()
    return made_by_studio(found, reader, refs, WHO.model_copy(update=who))


@pytest.mark.parametrize("files", [(), ("LICENSE",), ("README.md", ".gitignore", "LICENSE")])
def test_what_github_commits_while_it_creates_a_repository_is_nobodys_work(files: tuple[str, ...]) -> None:
    assert made(git=Git(files=files))


@pytest.mark.parametrize("refs", [FRESH, Refs()])
def test_what_studio_made_for_the_project_is_the_projects(refs: Refs) -> None:
    assert made(refs=refs)
    assert made(found=replace(FOUND, full_name="Acme/Notebooks"), refs=refs)


@pytest.mark.parametrize(
    "created",
    ["2026-11-27T09:58:00Z", "2026-11-27T11:00:01Z", "2025-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "", "soon"],
)
def test_what_was_created_at_another_time_is_not_studios(created: str) -> None:
    """Also of another project whose repository Studio made after this one's tooling was ready."""
    assert not made(found=replace(FOUND, created_at=created))


@pytest.mark.parametrize("since", ["", "yesterday", "2026-11-27T10:00:00"])
def test_without_a_moment_nothing_is_studios(since: str) -> None:
    assert not made(connected_since=since)


@pytest.mark.parametrize("connected", ["", "acme/other", "other/notebooks"])
def test_what_the_connection_does_not_name_is_not_studios(connected: str) -> None:
    assert not made(connected_repository=connected)


@pytest.mark.parametrize(
    ("git", "refs"),
    [
        (Git(parents=("c1",)), FRESH),
        (Git(files=("README.md", "train.py")), FRESH),
        (Git(), Refs("main", {**FRESH.targets, "refs/heads/work": "c0"})),
        (Git(), Refs("main", {**FRESH.targets, "refs/tags/v1": "c0"})),
    ],
)
def test_what_somebody_has_used_is_not_adopted_without_being_asked(git: Git, refs: Refs) -> None:
    assert not made(git=git, refs=refs)


@pytest.mark.parametrize(
    ("pattern", "name", "given"),
    [
        ("acme/team-*", "acme/team-a", True),
        ("acme/team-*", "Acme/Team-A", True),
        ("acme/team-*", "acme/teams", False),
        ("acme/*", "acme/anything", True),
        ("acme/*", "acme-other/anything", False),
        ("acme/a.c", "acme/abc", False),
        ("acme/a", "acme/ab", False),
    ],
)
def test_the_administrators_patterns(pattern: str, name: str, given: bool) -> None:
    assert Allowances.from_environment({"ADOPTABLE": f"other/x {pattern}"}).gives(name) is given


def test_without_an_environment_the_default_is_the_safe_one() -> None:
    found = Allowances.from_environment({})
    assert found == Allowances((), ("private", "internal"), ())
    assert not found.gives("acme/x")


@pytest.mark.parametrize(
    ("physical_id", "known"),
    [
        ("7", Known(7)),
        ("7:adopted", Known(7, adopted=True)),
        ("acme/build", Known()),
        ("acme/7:adopted", Known()),
        ("", Known()),
    ],
)
def test_the_physical_id_remembers_a_consent(physical_id: str, known: Known) -> None:
    assert Known.of(physical_id) == known


# -- whose word is asked, the cheapest first --------------------------------------------------------------------------

CONNECTION = connection_proof(SEAL, "d1", "p1", "acme/notebooks", WHO.connected_since)


def reading(
    found: Repository = FOUND, *, adoptable: tuple[str, ...] = (), file: bytes | None = None, **who: str
) -> Reading:
    """Read the consent of a repository that Studio has just made; its file is this."""
    request = Request("Create", WHO.model_copy(update=who), None, "", "arn:stack", "Build")
    seals = {"arn:stack": SEAL}
    clients: Any = File(file)
    clients.allowances = Allowances(adoptable=adoptable)
    clients.seals = SimpleNamespace(of_launch=seals.__getitem__)
    git: Any = Git()
    return read(found, git, FRESH, request, clients)


CONSENT_FILE = b"domain: d1\nproject: p1\n"


def test_an_administrators_word_comes_first_then_studios_then_the_files() -> None:
    everything: dict[str, Any] = {"file": CONSENT_FILE, "connection_proof": CONNECTION}
    assert reading(adoptable=("acme/*",), **everything) == Reading(Consent("administrator"))
    assert reading(**everything) == Reading(Consent("studio", archive=True))
    assert reading(file=CONSENT_FILE) == Reading(Consent("file"))
    assert reading() == Reading(problem="the file does not exist")


@pytest.mark.parametrize(
    "proof",
    [
        connection_proof(SEAL, "d2", "p1", "acme/notebooks", WHO.connected_since),
        connection_proof(SEAL, "d1", "p2", "acme/notebooks", WHO.connected_since),
        connection_proof(SEAL, "d1", "p1", "acme/other", WHO.connected_since),
        connection_proof(SEAL, "d1", "p1", "acme/notebooks", "2026-11-26T10:00:00+00:00"),
        connection_proof(ANOTHER, "d1", "p1", "acme/notebooks", WHO.connected_since),
        SEAL.of("name", "d1", "p1", "acme/notebooks", WHO.connected_since),
    ],
)
def test_what_studio_is_said_to_have_connected_needs_the_stacks_proof(proof: str) -> None:
    assert reading(connection_proof=proof) == Reading(problem="the file does not exist")


def test_another_projects_mark_is_a_claim_and_this_projects_is_none() -> None:
    mark = "Model build repository (d1/p1 model_build 0123456789)"
    assert reading(replace(FOUND, description=mark), file=CONSENT_FILE) == Reading(Consent("file"))
    for other in (mark.replace("p1", "p2"), mark.replace("d1", "d2"), mark.replace("model_build", "model_deploy")):
        claimed = reading(replace(FOUND, description=other), adoptable=("acme/*",), file=CONSENT_FILE)
        assert claimed == Reading(claimed=True)


def test_a_consent_is_required_and_a_refusal_says_what_to_write_where() -> None:
    consent = Consent("file")
    assert required(Reading(consent), "acme/notebooks", WHO) == consent
    with pytest.raises(RepositoryClaimed) as claimed:
        required(Reading(consent, claimed=True), "acme/notebooks", WHO)
    assert claimed.value.holes == {"repository": "acme/notebooks"}
    with pytest.raises(ConsentMissing) as missing:
        required(Reading(problem="the file does not exist"), "acme/notebooks", WHO)
    assert missing.value.holes == {
        "repository": "acme/notebooks",
        "path": ".github/studio-project.yml",
        "problem": "the file does not exist",
        "domain": "d1",
        "project": "p1",
    }
