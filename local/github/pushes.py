"""What follows a change of refs, by push or by REST: default branch, pull requests, times."""

from __future__ import annotations

from collections.abc import Mapping

from local.github.bare import Bare
from local.github.model import Pull, Repository, now


def record(repository: Repository, bare: Bare, before: Mapping[str, str], by: str = "") -> None:
    """Bring the repository's record up to its refs; `before` is what they were. Called with the lock held."""
    after = bare.refs()
    changed = {ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)}
    if not changed:
        return
    repository.pushed_at = repository.updated_at = now()
    _first_branch(repository, bare, after)
    for pull in repository.pulls:
        head, base = f"refs/heads/{pull.head}", f"refs/heads/{pull.base}"
        if pull.state == "open" and {head, base} & changed:
            _follow(repository, bare, pull, after.get(head, ""), after.get(base, ""), base in changed, by)


def _first_branch(repository: Repository, bare: Bare, after: Mapping[str, str]) -> None:
    """Make the first pushed branch the default one when the default does not exist."""
    branches = sorted(ref.removeprefix("refs/heads/") for ref in after if ref.startswith("refs/heads/"))
    if branches and repository.default_branch not in branches:
        repository.default_branch = branches[0]
        bare.set_head(branches[0])


def _follow(repository: Repository, bare: Bare, pull: Pull, head: str, base: str, base_moved: bool, by: str) -> None:
    pull.updated_at = now()
    if not base:
        close(pull)
        return
    if (
        base_moved
        and bare.is_ancestor(head or pull.head_sha, base)
        and not bare.is_ancestor(pull.head_sha, pull.base_sha)
    ):
        pull.head_sha = head or pull.head_sha
        mark_merged(pull, base, by)
        return
    pull.base_sha = base
    if not head:
        close(pull)
        return
    if head != pull.head_sha:
        pull.head_sha = head
        bare.update_ref(f"refs/pull/{pull.number}/head", head)
        if bare.is_ancestor(head, base):  # nothing is left to merge
            close(pull)


def close(pull: Pull) -> None:
    """Close a pull request unmerged."""
    pull.state, pull.closed_at = "closed", now()
    pull.updated_at = pull.closed_at


def mark_merged(pull: Pull, commit: str, by: str) -> None:
    """Close a pull request as merged."""
    close(pull)
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = pull.closed_at, by, commit
