"""What follows a change of refs, by push or by REST: default branch, pull requests, times."""

from __future__ import annotations

from collections.abc import Mapping

from standins.github.bare import Bare
from standins.github.model import Pull, Repository, now


def record(repository: Repository, bare: Bare, before: Mapping[str, str], by: str = "") -> None:
    """Bring the repository's record up to its refs; `before` is what they were. Called with the lock held."""
    after = bare.refs()
    changed = {ref for ref in before.keys() | after.keys() if before.get(ref) != after.get(ref)}
    if not changed:
        return
    repository.pushed_at = repository.updated_at = now()
    _first_branch(repository, bare, after)
    for pull in repository.pulls:
        if pull.state == "open" and {f"refs/heads/{pull.head}", f"refs/heads/{pull.base}"} & changed:
            _follow(bare, pull, after, by)


def _first_branch(repository: Repository, bare: Bare, after: Mapping[str, str]) -> None:
    """Make the first pushed branch the default one when the default does not exist."""
    branches = sorted(ref.removeprefix("refs/heads/") for ref in after if ref.startswith("refs/heads/"))
    if branches and repository.default_branch not in branches:
        repository.default_branch = branches[0]
        bare.set_head(branches[0])


def _follow(bare: Bare, pull: Pull, refs: Mapping[str, str], by: str) -> None:
    """Bring an open pull request up to its branches: new commits, merged by a push, or a branch gone."""
    head, base = refs.get(f"refs/heads/{pull.head}", ""), refs.get(f"refs/heads/{pull.base}", "")
    pull.updated_at = now()
    if not base:
        close(pull)
        return
    tip, base_before = head or pull.head_sha, pull.base_sha
    if base != base_before and bare.is_ancestor(tip, base) and not bare.is_ancestor(tip, base_before):
        pull.head_sha = tip
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
