"""A small world for stories: a GitHub stand-in, real Git over HTTP, and a project's stack in one of two clouds.

The stories of this folder run in the test's process (handlers.py) and, with `--on ministack`, on CloudFormation as it
is on AWS (ministack.py). Templates and user commits are dicts: path -> text, bytes, `executable(...)`, `link(...)`, or
None for a deletion.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from custom_resources.errors import FinalError
from custom_resources.template_content import TemplateFile, archive_name, build_archive
from standins.github.bare import Bare
from standins.github.requests_log import Entry
from standins.github.server import GitHubStandIn
from tests.integration.clouds import Cloud, Resource, attribute
from tests.integration.handlers import Handlers

ORGANIZATION = "acme"
FOLDER = "regression/model_build"
_OF_REPOSITORIES = ("Organization", "AlternativeName", "Visibility", "AdoptExisting", "RetainOnFailure")


@dataclass(frozen=True)
class Executable:
    """A file with the executable bit."""

    content: str


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


Content = str | bytes | Executable | Link
Tree = Mapping[str, Content]
Edit = Mapping[str, Content | None]


def executable(content: str) -> Executable:
    """Mark a content as executable."""
    return Executable(content)


def link(target: str) -> Link:
    """Make a symbolic link of it."""
    return Link(target)


def _bytes(content: Content) -> bytes:
    if isinstance(content, Executable):
        return content.content.encode()
    if isinstance(content, Link):
        return content.target.encode()
    return content.encode() if isinstance(content, str) else content


@dataclass(frozen=True)
class Version:
    """A published template version."""

    name: str
    archive: str


@dataclass
class World:
    """Everything that a test needs."""

    github: GitHubStandIn
    home: Path
    cloud: Cloud = None  # type: ignore[assignment]  # Handlers, unless another is given
    app_id: str = ""  # of the GitHub App in the token secret, if it is one

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.cloud = self.cloud or Handlers(self.github)
        self.user_token = self.github.make_token(["repo", "workflow"], login="ada")
        self.api = requests.Session()
        self.api.headers["Authorization"] = f"token {self.user_token}"

    @property
    def handlers(self) -> Handlers:
        """The cloud of a test that is for handlers only."""
        assert isinstance(self.cloud, Handlers)
        return self.cloud

    def publish(self, name: str, files: Tree, folder: str = FOLDER) -> Version:
        """Publish a template version with these files."""
        data = build_archive(
            TemplateFile(f"{folder}/{path}", _bytes(content), isinstance(content, Executable))
            for path, content in files.items()
        )
        self.cloud.put_archive(archive_name(data), data)
        return Version(name, archive_name(data))

    def rest(self, method: str, path: str, **body: Any) -> Any:
        """Do as a user what the GitHub page does; return the answer's document."""
        answer = self.api.request(method, f"{self.github.api_url}{path}", json=body or None, timeout=30)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def requests(self) -> list[Entry]:
        """Return the requests since the last call."""
        entries = list(self.github.log.entries)
        self.github.log.clear()
        return entries

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Use the stand-in's own controls."""
        answer = self.api.request(method, f"{self.github.base_url}/_standin/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def snapshot(self, name: str) -> dict[str, Any]:
        """Return everything about a repository of the organization."""
        return dict(self.control("GET", f"repositories/{ORGANIZATION}/{name}"))


@dataclass
class Project:
    """One repository of a project, with the three custom resources that a stack has for it."""

    world: World
    version: Version
    project: str = "p1"
    part: str = "model_build"
    name: str = "p1-build"
    settings: Mapping[str, Any] = field(default_factory=dict)  # SyncMode, AdoptExisting, DefaultBranch, ...
    secrets: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stack = f"{self.name}-{os.urandom(4).hex()}"
        self.attributes: dict[str, str] = {}  # the repository's
        self.status: dict[str, str] = {}  # the template's
        self.configuration: dict[str, str] = {}
        self._template: dict[str, Resource] = {}
        self._repository_changes: dict[str, Any] = {}
        self._user: Path | None = None
        self._origin = ""

    # -- CloudFormation's side ----------------------------------------------------------------------------------------

    def _repository(self) -> Resource:
        properties = {
            "Organization": ORGANIZATION,
            "Name": self.name,
            "Part": self.part,
            "DomainId": "d1",
            "ProjectId": self.project,
            "ProjectName": "Demo",
            "Visibility": "private",
            "Topics": ["studio"],
            "SecretReferenceNames": sorted(self.references),
            "SecretNames": sorted(self.secrets),
            "VariableNames": sorted(self.variables),
        }
        chosen = {key: value for key, value in self.settings.items() if key in _OF_REPOSITORIES}
        return Resource("Custom::GitHubRepository", {**properties, **chosen, **self._repository_changes})

    def repository_properties(self) -> dict[str, Any]:
        """Return Custom::GitHubRepository's properties."""
        return dict(self._repository().properties)

    @property
    def repository_id(self) -> str:
        """The repository's id on GitHub."""
        return self.attributes["RepositoryId"]

    def _delivery(self, settings: Mapping[str, Any]) -> Resource:
        properties = {
            "RepositoryId": attribute("Repository", "RepositoryId"),
            "Repository": attribute("Repository", "FullName"),
            "NameProof": attribute("Repository", "NameProof"),
            "DefaultBranch": attribute("Repository", "DefaultBranch"),
            "DomainId": "d1",
            "ProjectId": self.project,
            "Part": self.part,
            "TemplateArchive": self.version.archive,
            "TemplateVersion": self.version.name,
            "TemplateSource": "https://github.com/acme/templates",
            "TemplateFolder": FOLDER,
        }
        chosen = {key: value for key, value in self.settings.items() if key in ("SyncMode", "AdoptExisting")}
        return Resource("Custom::RepositoryTemplate", {**properties, **chosen, **settings})

    def _configuration(self, settings: Mapping[str, Any]) -> Resource:
        properties = {
            "RepositoryId": attribute("Repository", "RepositoryId"),
            "Repository": attribute("Repository", "FullName"),
            "NameProof": attribute("Repository", "NameProof"),
            "Secrets": dict(self.secrets),
            **({"SecretReferences": dict(self.references)} if self.references else {}),
            "Variables": dict(self.variables),
        }
        chosen = {key: value for key, value in self.settings.items() if key == "RetainOnFailure"}
        return Resource("Custom::ActionsConfiguration", {**properties, **chosen, **settings})

    def _deploy(self, **resources: Resource) -> dict[str, dict[str, str]]:
        """Create or update the stack. `Again` changes, so that each of these resources is sent a request."""
        again = {
            name: Resource(each.type, {**each.properties, "Again": os.urandom(4).hex()})
            for name, each in resources.items()
        }
        template = {**self._template, **again}
        found = self.world.cloud.deploy(self.stack, template)
        self._template = template
        self.attributes, self.status = found["Repository"], found.get("Template", {})
        self.configuration = found.get("Configuration", {})
        return found

    def launch(self) -> Project:
        """Create the repository, its template and its configuration."""
        self._deploy(Repository=self._repository(), Template=self._delivery({}), Configuration=self._configuration({}))
        return self

    def deliver(self) -> Project:
        """Create the repository and its template."""
        self._deploy(Repository=self._repository(), Template=self._delivery({}))
        return self

    def create_repository(self, **settings: Any) -> None:
        """Create the repository."""
        self._repository_changes |= settings
        self._deploy(Repository=self._repository())

    def create_template(self, **settings: Any) -> None:
        """Deliver the template for the first time."""
        self._deploy(Template=self._delivery(settings))

    def create_configuration(self, **settings: Any) -> None:
        """Set the secrets and variables for the first time."""
        self._deploy(Configuration=self._configuration(settings))

    def update(self, version: Version | None = None, **settings: Any) -> dict[str, str]:
        """Update the template to a version (or with other settings); return the attributes."""
        self.version = version or self.version
        self._deploy(Template=self._delivery(settings))
        return self.status

    def configure(self, secrets: Mapping[str, str], variables: Mapping[str, str], **more: Any) -> dict[str, str]:
        """Update the secrets and variables."""
        self.secrets, self.variables = secrets, variables
        return self._deploy(Configuration=self._configuration(more))["Configuration"]

    def update_both(self, version: Version, secrets: Mapping[str, str]) -> None:
        """Update the template, then the secrets, in one operation."""
        self.version, self.secrets = version, secrets
        self._deploy(Template=self._delivery({}), Configuration=self._configuration({}))

    def update_repository(self, **changes: Any) -> dict[str, str]:
        """Update the repository's properties."""
        before = self._repository_changes
        self._repository_changes = before | changes
        try:
            self._deploy(Repository=self._repository())
        except FinalError:
            self._repository_changes = before
            raise
        return self.attributes

    def take_out(self, resource: str) -> None:
        """Update the stack to a template without one of its resources, which CloudFormation then deletes."""
        self._template = {name: each for name, each in self._template.items() if name != resource}
        self._deploy()

    def delete(self) -> None:
        """Delete the stack."""
        self.world.cloud.delete(self.stack)

    # -- GitHub's side ------------------------------------------------------------------------------------------------

    @property
    def bare(self) -> Bare:
        """The repository on the stand-in's disk."""
        found = self.world.github.store.by_id(int(self.attributes["RepositoryId"]))
        assert found is not None
        return self.world.github.store.bare(found)

    @property
    def state(self) -> Any:
        """All that the stand-in knows of the repository."""
        found = self.world.github.store.by_id(int(self.attributes["RepositoryId"]))
        assert found is not None
        return found

    @property
    def path(self) -> str:
        """The repository's path in the API, by its id."""
        return f"/repositories/{self.attributes['RepositoryId']}"

    def files(self, revision: str = "HEAD") -> dict[str, Content]:
        """Return a commit's files, in the shape in which a test writes them."""
        bare = self.bare
        found: dict[str, Content] = {}
        for entry in bare.entries(f"{revision}^{{tree}}", recursive=True):
            if entry.type != "blob":
                continue
            raw = bare.blob(entry.sha)
            try:
                content: Content = raw.decode()
            except UnicodeDecodeError:
                content = raw
            if entry.mode == "100755":
                content = Executable(raw.decode())
            if entry.mode == "120000":
                content = Link(raw.decode())
            found[entry.path] = content
        return found

    def refs(self) -> dict[str, str]:
        """Return the refs."""
        return self.bare.refs()

    def tip(self, branch: str = "main") -> str:
        """Return a branch's commit."""
        return self.refs().get(f"refs/heads/{branch}", "")

    def parents(self, revision: str = "HEAD") -> list[str]:
        """Return a commit's parents."""
        return self.bare.text("show", "--no-patch", "--format=%P", revision).split()

    def lineage(self) -> list[str]:
        """Return the subjects of the lineage's commits, newest first."""
        return self.bare.text("log", "--format=%s", "refs/studio/template").splitlines()

    def pulls(self, state: str = "open") -> list[Any]:
        """Return the pull requests as GitHub shows them."""
        return list(self.world.rest("GET", f"{self.path}/pulls?state={state}&per_page=100"))

    def merge_pull(self, number: int, method: str = "merge") -> str:
        """Merge a pull request as a user does; return the commit that it made."""
        answer = self.world.rest("PUT", f"{self.path}/pulls/{number}/merge", merge_method=method)
        return str(answer["sha"])

    # -- the user's side ----------------------------------------------------------------------------------------------

    def git(self, *arguments: str, stdin: bytes = b"", status: tuple[int, ...] = (0,)) -> str:
        """Run git in the user's full clone, which is made at the first call."""
        if self._user is None:
            self._user = self.world.home / f"clone-{self.name}-{os.urandom(4).hex()}"
            self._user.mkdir(parents=True)
            self.git("init", "--quiet", "--initial-branch=main")
            self._origin = self.remote
            self.git("remote", "add", "origin", self._origin)
        basic = f"http.{self.world.github.base_url}/.extraHeader=Authorization: token {self.world.user_token}"
        configured = [
            basic,
            "user.name=Ada",
            "user.email=ada@example.com",
            "core.autocrlf=false",
            "protocol.version=2",
            "gc.auto=0",
            "maintenance.auto=false",
        ]
        options = [part for setting in configured for part in ("-c", setting)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.world.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "FILTER_BRANCH_SQUELCH_WARNING": "1",  # it waits ten seconds otherwise
            "LC_ALL": "C",
        }
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=self._user,
            input=stdin,
            env=environment,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in status, f"git {arguments}: {done.stderr.decode()}{done.stdout.decode()}"
        return done.stdout.decode("utf-8", "replace").strip()

    @property
    def remote(self) -> str:
        """Where the repository is now."""
        return f"{self.world.github.server_url}/{self.state.full_name}.git"

    @property
    def checkout(self) -> Path:
        """The user's working tree."""
        if self._user is None:
            self.git("status")
        assert self._user is not None
        return self._user

    def pull(self, branch: str = "main") -> None:
        """Bring the user's clone to the branch's tip."""
        if self._origin != self.remote:  # it was renamed
            self.git("remote", "set-url", "origin", self.remote)
            self._origin = self.remote
        self.git("fetch", "--quiet", "--prune", "origin", "+refs/heads/*:refs/remotes/origin/*")
        self.git("checkout", "--quiet", "--force", "-B", branch, f"origin/{branch}")
        self.git("clean", "--quiet", "-ffdx")

    def write(self, edit: Edit) -> None:
        """Change files in the working tree."""
        for path, content in edit.items():
            place = self.checkout / path
            if place.is_symlink() or place.exists():
                place.unlink()
            if content is None:
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Link):
                place.symlink_to(content.target)
                continue
            place.write_bytes(_bytes(content))
            place.chmod(0o755 if isinstance(content, Executable) else 0o644)

    def commit(self, edit: Edit, message: str = "Work", branch: str = "main") -> str:
        """Edit as a user does: pull, change files, commit, push; return the commit."""
        self.pull(branch)
        self.write(edit)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        self.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")


def refused(act: Callable[[], object]) -> str:
    """Return the sentence with which an act is refused."""
    try:
        act()
    except FinalError as error:
        return str(error)
    raise AssertionError("it was not refused")
