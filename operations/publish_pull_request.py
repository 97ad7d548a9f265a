"""`publish --pull-request`: the new version as a pull request, whose merge publishes it.

One branch, `publish/next`, is renewed in place: its commit holds what `publish` writes, on top of the default branch.
The checkout of the caller is not touched.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from custom_resources.errors import RepositoryNotFound
from custom_resources.markdown import code
from operations.errors import CheckoutUnusable, PublishTokenNotSet
from operations.git_runs import run_git
from operations.publish import Published, Render, publish
from products.versions import RECORD_FILE, Version

if TYPE_CHECKING:
    from custom_resources.clients.github import GitHub
    from custom_resources.clients.github_answers import PullRequest
    from operations.rendering import Rendering
    from operations.template_source import TemplateContent

BRANCH = "publish/next"
TOKEN_VARIABLE = "PUBLISH_TOKEN"  # noqa: S105 -- the name of the variable
_ORIGIN = re.compile(
    r"(?:https?://(?:[^@/\s]+@)?[^/\s]+/|(?:ssh://)?git@[^:/\s]+[:/])(?P<name>[^/\s]+/[^/\s]+?)(?:\.git)?/?"
)
_WHO = ("-c", "user.name=studio-mlops publish", "-c", "user.email=publish@users.noreply.github.com")
_MOST = 60_000  # characters of a description; GitHub takes 65,536
_SHOWN = 100
State = Literal["opened", "renewed", "unchanged", "declined", "closed", "nothing"]


@dataclass(frozen=True)
class Proposed:
    """What became of the pull request. `url` is "" where there is none.

    "declined": somebody closed the one with exactly this content. "closed": there is nothing to publish any more.
    """

    published: Published
    state: State
    url: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be published, as `publish` takes it, in the folder `versions` of the checkout."""

    content: TemplateContent
    versions: str
    render: Render | None
    version: str = ""
    notes: str = ""
    configured: tuple[str, ...] = ()

    def published(self, directory: Path, *, dry_run: bool) -> Published:
        """Publish it into a folder of versions. Raises what `publish` raises."""
        return publish(
            self.content,
            self.version,
            notes=self.notes,
            directory=directory,
            dry_run=dry_run,
            render=self.render,
            configured=self.configured,
        )


def propose(wish: Wish, checkout: Path, token: str, github: GitHub) -> Proposed:
    """Open or renew the pull request in the repository that `checkout` was cloned from.

    Raises PublishTokenNotSet, CheckoutUnusable, and what publishing and GitHub raise.
    """
    if not token:
        raise PublishTokenNotSet
    wish = replace(wish, render=_rendered_once(wish.render))
    origin = _Origin.of(checkout, token)
    found = github.find_repository(origin.full_name)
    if found is None:
        raise RepositoryNotFound(activity=f"looking up {origin.full_name}")
    base, tips = found.default_branch, origin.fetched(found.default_branch)
    pull = github.find_pull_request(origin.full_name, BRANCH, base)
    with _worktree(checkout, tips.base) as tree:
        directory = tree / wish.versions
        done = wish.published(directory, dry_run=True)
        if done.status == "unchanged":
            return _withdrawn(done, pull, github, origin.full_name)
        if tips.archive_of(wish.versions, done.version) == done.version.archive and tips.is_on_base():
            return _as_it_is(done, pull, github, origin, base)
        if pull and pull.state == "closed" and not pull.merged and tips.offers(wish.versions, done.version):
            return Proposed(done, "declined", pull.html_url)
        done = wish.published(directory, dry_run=False)
        origin.push(tree, _message(done), tips.next)
    return _told(done, pull, github, origin.full_name, base)


def _rendered_once(render: Render | None) -> Render | None:
    """Return what renders a version once, though it is published twice: to see whether it is new, then to write it."""
    if render is None:
        return None
    made: dict[tuple[str, str, frozenset[str]], Rendering] = {}

    def once(directory: Path, record: Version, archive: bytes, templates: Mapping[str, bytes]) -> Rendering:
        asked = record.version, record.archive, frozenset(templates)
        if asked not in made:
            made[asked] = render(directory, record, archive, templates)
        return made[asked]

    return once


def _withdrawn(done: Published, pull: PullRequest | None, github: GitHub, full_name: str) -> Proposed:
    """Close a pull request whose content the default branch has, or the source has taken back."""
    if pull is None or pull.state != "open":
        return Proposed(done, "nothing")
    github.update_pull_request(full_name, pull.number, state="closed")
    return Proposed(done, "closed", pull.html_url)


def _as_it_is(done: Published, pull: PullRequest | None, github: GitHub, origin: _Origin, base: str) -> Proposed:
    if pull and pull.state == "open":
        return Proposed(done, "unchanged", pull.html_url)
    if pull and not pull.merged:
        return Proposed(done, "declined", pull.html_url)
    return _told(done, None, github, origin.full_name, base)  # a run before ended between the push and this


def _told(done: Published, pull: PullRequest | None, github: GitHub, full_name: str, base: str) -> Proposed:
    title, text = f"Publish {done.version.version}", description(done)
    if pull and pull.state == "open":
        renewed = github.update_pull_request(full_name, pull.number, title=title, body=text)
        return Proposed(done, "renewed", renewed.html_url)
    made = github.create_pull_request(full_name, BRANCH, base, title, text)
    return Proposed(done, "opened", made.html_url)


# -- the texts -----------------------------------------------------------------------------------------------------


def _message(done: Published) -> str:
    return f"Publish {done.version.version}\n\nSource: {_line(done.version.described_source)}\n"


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def description(done: Published) -> str:
    """Return the pull request's text: the difference by profile and part, remarks, and what a merge does. Pure."""
    version = done.version
    parts = [
        f"Merging this publishes **{version.version}** from {code(_line(version.described_source))}"
        + (f", compared with {done.previous}." if done.previous else ", the first version.")
    ]
    for change in done.changes:
        listed = [
            f"- {verb} {code(path)}"
            for verb, paths in (("adds", change.added), ("changes", change.changed), ("removes", change.deleted))
            for path in paths
        ]
        more = [f"- and {len(listed) - _SHOWN} more"] if len(listed) > _SHOWN else []
        parts.append("\n".join([f"### {code(f'{change.profile}/{change.part}')}", "", *listed[:_SHOWN], *more]))
    parts += [f"Note: {code(remark)}" for remark in done.remarks]
    parts.append("After the merge, run `npx aws-cdk@2 deploy PortfolioStack`, then roll out to one project first.")
    text = "\n\n".join(parts)
    return text if len(text) <= _MOST else f"{text[:_MOST]}\n\nand more"


# -- Git -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tips:
    """Where the default branch and `publish/next` are ("" = there is none)."""

    checkout: Path
    base: str
    next: str

    def archive_of(self, versions: str, version: Version) -> str:
        """Return the archive of a version on `publish/next`, "" where it has none."""
        place = f"{self.next}:{versions}/{version.version}/{RECORD_FILE}"
        done = run_git(self.checkout, "cat-file", "blob", place) if self.next else None
        if done is None or done.returncode:
            return ""
        try:
            return Version.model_validate_json(done.stdout).archive
        except ValueError:
            return ""

    def offers(self, versions: str, version: Version) -> bool:
        """Tell whether `publish/next` has exactly this version, on whatever it stands."""
        return self.archive_of(versions, version) == version.archive

    def is_on_base(self) -> bool:
        """Tell whether `publish/next` is one commit on top of the default branch."""
        done = run_git(self.checkout, "rev-parse", "--verify", "--quiet", f"{self.next}^")
        return done.returncode == 0 and done.stdout.decode().strip() == self.base


@dataclass(frozen=True)
class _Origin:
    """The repository on GitHub that a checkout was cloned from."""

    checkout: Path
    url: str
    full_name: str
    token: str

    @staticmethod
    def of(checkout: Path, token: str) -> _Origin:
        done = run_git(checkout, "remote", "get-url", "origin")
        url = done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""
        found = _ORIGIN.fullmatch(url)
        if not found:
            raise CheckoutUnusable(reason="the remote `origin` is not a GitHub repository")
        return _Origin(checkout, url, found["name"], token)

    def _run(self, directory: Path, *arguments: str) -> bytes:
        token = self.token if self.url.startswith("http") else ""
        done = run_git(directory, *arguments, url=self.url, token=token)
        if done.returncode:
            said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
            raise CheckoutUnusable(reason=f"git {arguments[0]}: {said.replace(self.token, '***').rstrip('.')}")
        return done.stdout

    def fetched(self, base: str) -> _Tips:
        """Fetch the default branch and `publish/next`."""
        refs = (f"refs/heads/{base}", f"refs/heads/{BRANCH}")
        listed = self._run(self.checkout, "ls-remote", self.url, *refs).decode("utf-8", "replace")
        tips = {ref: tip for tip, ref in (line.split("\t") for line in listed.splitlines())}
        there = [ref for ref in refs if ref in tips]
        if refs[0] not in tips:
            raise CheckoutUnusable(reason=f"the repository does not have the branch {base}")
        self._run(self.checkout, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.url, *there)
        return _Tips(self.checkout, tips[refs[0]], tips.get(refs[1], ""))

    def push(self, tree: Path, message: str, before: str) -> None:
        """Commit everything in a worktree and move `publish/next` there, if it is still where it was."""
        self._run(tree, "add", "--all", "--force", "--", ".")
        self._run(tree, *_WHO, "commit", "--quiet", "--no-gpg-sign", "-m", message)
        ref = f"refs/heads/{BRANCH}"
        self._run(tree, "push", "--quiet", f"--force-with-lease={ref}:{before}", self.url, f"HEAD:{ref}")


@contextmanager
def _worktree(checkout: Path, commit: str) -> Iterator[Path]:
    """Yield a worktree of a commit beside the checkout, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="publish-") as folder:
        tree = Path(folder) / "tree"
        done = run_git(checkout, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        if done.returncode:
            raise CheckoutUnusable(reason=f"git worktree: {done.stderr.decode('utf-8', 'replace').strip()[:300]}")
        try:
            yield tree
        finally:
            run_git(checkout, "worktree", "remove", "--force", str(tree))
