"""A small world for handler-level tests: a GitHub stand-in, real Git over HTTP, and CloudFormation's side of a stack.

Templates and user commits are dicts: path -> text, bytes, `executable(...)`, `link(...)`, or None for a deletion.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from custom_resources import actions_configuration, github_repository, repository_template
from custom_resources.errors import FinalError
from custom_resources.hosts import Hosts
from custom_resources.hosts.archives import ArchiveMissing
from custom_resources.hosts.secrets import GitHubCredentials
from custom_resources.reconciler import CustomResource, is_complete, on_event
from custom_resources.template_content import Archive, TemplateFile, archive_name, build_archive
from local.github import GitHubStandIn
from local.github.bare import Bare
from local.github.requests_log import Entry

ORGANIZATION = "acme"
FOLDER = "regression/model_build"
POLLS = 20
_OF_REPOSITORIES = ("Visibility", "AdoptExisting", "RetainOnFailure")


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


class Stacks:
    """Names the stack operation; a test changes it to cancel what runs."""

    def __init__(self) -> None:
        self.name = "CREATE_IN_PROGRESS 1"

    def operation(self, stack_id: str) -> str:
        return self.name


class Secrets:
    """Secrets Manager with two kinds of values."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.values: dict[str, str] = {}

    def github_credentials(self, reference: str) -> GitHubCredentials:
        return GitHubCredentials(token=self.token)

    def value(self, reference: str) -> str:
        return self.values[reference]


class Archives:
    """The archive bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    @contextmanager
    def open(self, name: str) -> Iterator[Archive]:
        if name not in self.objects:
            raise ArchiveMissing(f"The template archive {name} is not in the bucket.")
        yield Archive.open(self.objects[name], name)


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
    archives: Archives = field(default_factory=Archives)
    stacks: Stacks = field(default_factory=Stacks)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.secrets = Secrets(self.github.token)
        self.user_token = self.github.make_token(["repo", "workflow"], login="ada")
        self.hosts = self.new_hosts()
        self.api = requests.Session()
        self.api.headers["Authorization"] = f"token {self.user_token}"

    def new_hosts(self) -> Hosts:
        """Return the hosts of a fresh Lambda environment."""
        hosts = Hosts({"GITHUB_API_URL": self.github.api_url, "GITHUB_SERVER_URL": self.github.server_url})
        vars(hosts).update(stacks=self.stacks, secrets=self.secrets, archives=self.archives)
        return hosts

    def publish(self, name: str, files: Tree, folder: str = FOLDER) -> Version:
        """Publish a template version with these files."""
        data = build_archive(
            TemplateFile(f"{folder}/{path}", _bytes(content), isinstance(content, Executable))
            for path, content in files.items()
        )
        self.archives.objects[archive_name(data)] = data
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

    def send(
        self,
        resource: CustomResource[Any, Any, Any, Hosts],
        kind: str,
        properties: Mapping[str, Any],
        *,
        old: Mapping[str, Any] | None = None,
        physical_id: str = "",
        hosts: Hosts | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Play the Provider framework: accept the event, then poll until it is complete. Raises FinalError."""
        event: dict[str, Any] = {
            "RequestType": kind,
            "ResourceType": resource.resource_type,
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/demo/1",
            "LogicalResourceId": "Resource",
            "RequestId": "1",
            "ResourceProperties": dict(properties),
        }
        if kind != "Create":
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = dict(old)
        hosts = hosts or self.hosts
        event |= on_event(resource, event, self.stacks, hosts)
        for _ in range(POLLS):
            answer = is_complete(resource, event, hosts, self.stacks, patience=600)
            if answer["IsComplete"]:
                return answer.get("PhysicalResourceId", event["PhysicalResourceId"]), answer.get("Data", {})
        raise AssertionError("the request never completes")


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
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repository_id = ""
        self.attributes: dict[str, str] = {}
        self.status: dict[str, str] = {}  # the template's attributes
        self._last: dict[str, Mapping[str, Any]] = {}
        self._user: Path | None = None

    # -- CloudFormation's side ----------------------------------------------------------------------------------------

    def repository_properties(self) -> dict[str, Any]:
        """Custom::GitHubRepository's properties."""
        return {
            "ServiceToken": "arn",
            "Organization": ORGANIZATION,
            "Name": self.name,
            "Part": self.part,
            "DomainId": "d1",
            "ProjectId": self.project,
            "ProjectName": "Demo",
            "Visibility": "private",
            "Topics": ["studio"],
            **{key: value for key, value in self.settings.items() if key in _OF_REPOSITORIES},
        }

    def template_properties(self, version: Version | None = None, **settings: Any) -> dict[str, Any]:
        """Custom::RepositoryTemplate's properties."""
        version = version or self.version
        return {
            "ServiceToken": "arn",
            "RepositoryId": self.attributes["RepositoryId"],
            "Repository": self.attributes["FullName"],
            "DefaultBranch": self.attributes["DefaultBranch"],
            "DomainId": "d1",
            "ProjectId": self.project,
            "Part": self.part,
            "TemplateArchive": version.archive,
            "TemplateVersion": version.name,
            "TemplateSource": "https://github.com/acme/templates",
            "TemplateFolder": FOLDER,
            **{key: value for key, value in self.settings.items() if key in ("SyncMode", "AdoptExisting")},
            **settings,
        }

    def launch(self) -> Project:
        """Create the repository, its template and its configuration."""
        self.create_repository()
        self.create_template()
        properties = self.configuration_properties()
        self.world.send(actions_configuration.RESOURCE, "Create", properties)
        self._last["configuration"] = properties
        return self

    def create_repository(self) -> None:
        """Create the repository."""
        properties = self.repository_properties()
        self.repository_id, self.attributes = self.world.send(github_repository.RESOURCE, "Create", properties)
        self._last["repository"] = properties

    def create_template(self) -> None:
        """Deliver the template for the first time."""
        properties = self.template_properties()
        _, self.status = self.world.send(repository_template.RESOURCE, "Create", properties)
        self._last["template"] = properties

    def update(self, version: Version | None = None, **settings: Any) -> dict[str, str]:
        """Update the template to a version (or with other settings); return the attributes."""
        self.version = version or self.version
        properties = self.template_properties(**settings)
        old, self._last["template"] = self._last["template"], properties
        id_ = f"repository-template-{self.attributes['RepositoryId']}"
        _, self.status = self.world.send(repository_template.RESOURCE, "Update", properties, old=old, physical_id=id_)
        return self.status

    def configuration_properties(self) -> dict[str, Any]:
        """Custom::ActionsConfiguration's properties."""
        return {
            "ServiceToken": "arn",
            "RepositoryId": self.attributes["RepositoryId"],
            "Repository": self.attributes["FullName"],
            "Secrets": dict(self.secrets),
            "Variables": dict(self.variables),
            **{key: value for key, value in self.settings.items() if key == "RetainOnFailure"},
        }

    def configure(self, secrets: Mapping[str, str], variables: Mapping[str, str], **more: Any) -> dict[str, str]:
        """Update the secrets and variables."""
        self.secrets, self.variables = secrets, variables
        properties = {**self.configuration_properties(), **more}
        old, self._last["configuration"] = self._last["configuration"], properties
        _, data = self.world.send(
            actions_configuration.RESOURCE, "Update", properties, old=old, physical_id="actions-configuration-1"
        )
        return data

    def update_repository(self, **changes: Any) -> dict[str, str]:
        """Update the repository's properties."""
        old = self._last["repository"]
        properties = {**old, **changes}
        _, data = self.world.send(
            github_repository.RESOURCE, "Update", properties, old=old, physical_id=self.repository_id
        )
        self._last["repository"] = properties
        return data

    def delete(self) -> None:
        """Delete the three, last made first."""
        world, last = self.world, self._last
        if "configuration" in last:
            world.send(actions_configuration.RESOURCE, "Delete", last["configuration"], physical_id="x")
        if "template" in last:
            world.send(repository_template.RESOURCE, "Delete", last["template"], physical_id="x")
        properties = last.get("repository", self.repository_properties())
        id_ = self.repository_id or f"{properties['Organization']}/{properties['Name']}"
        world.send(github_repository.RESOURCE, "Delete", properties, physical_id=id_)

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
            self.git("remote", "add", "origin", self.remote)
        basic = f"http.{self.world.github.base_url}/.extraHeader=Authorization: token {self.world.user_token}"
        configured = [
            basic,
            "user.name=Ada",
            "user.email=ada@example.com",
            "core.autocrlf=false",
            "protocol.version=2",
            "gc.auto=0",
        ]
        options = [part for setting in configured for part in ("-c", setting)]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.world.home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
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
        self.git("remote", "set-url", "origin", self.remote)
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
