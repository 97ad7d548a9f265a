"""Merging pull requests: may it be, does it fit, and how it is done."""

from __future__ import annotations

from standins.github.access import Need
from standins.github.bare import CommitInfo, Person
from standins.github.messages import ApiError, Response, not_found
from standins.github.model import Pull
from standins.github.pushes import mark_merged
from standins.github.rest.contents import refuse_workflow
from standins.github.rest.router import Call, route
from standins.github.rules import refuse_violation

PULLS = "/repos/{owner}/{repo}/pulls"
PULL = PULLS + "/{pull_number}"
_MERGE = Need("contents", write=True, role="write")


_OFF = {
    403: "Pull requests are disabled for this repository.",
    404: "Not Found",
    410: "Pull requests are disabled for this repo",
    422: "Validation Failed",
}


def require_pulls(call: Call) -> None:
    """Refuse what is about pull requests where they are switched off.

    GitHub answers 404 to what reads them (augurlabs/augur issue 3731); what it answers to POST is not published, so
    that a control chooses among four.
    """
    status = call.repository.pulls_off_status
    if not call.repository.has_pull_requests:
        errors = [{"resource": "PullRequest", "code": "custom", "message": _OFF[403]}] if status == 422 else None
        raise ApiError(status, _OFF[status], errors)


def pull_of(call: Call, name: str = "pull_number") -> Pull:
    """Return the pull request of the path. Raises ApiError 404."""
    require_pulls(call)
    text = call.parameters[name]
    pull = call.repository.pull(int(text)) if text.isdecimal() else None
    if pull is None:
        raise not_found()
    return pull


def mergeability(call: Call, pull: Pull) -> tuple[bool | None, str]:
    """Tell whether git can merge it (null: closed), and GitHub's word for how it stands."""
    if pull.state != "open":
        return None, "unknown"
    base = call.bare.branch(pull.base)
    if not base or not call.bare.merge(base, pull.head_sha):
        return False, "dirty"
    try:
        _refuse_merge(call, pull, ["update"])
    except ApiError:
        return True, "blocked"
    return True, "draft" if pull.draft else "clean"


def reviews_wanted(call: Call, pull: Pull) -> int:
    """Return how many approving reviews the protection of the base branch asks for."""
    found = [
        (protection.settings.get("required_pull_request_reviews") or {}).get("required_approving_review_count", 0)
        for protection in call.repository.protections
        if protection.branch == pull.base
    ]
    return max([int(each or 0) for each in found], default=0)


def _refuse_merge(call: Call, pull: Pull, actions: list[str]) -> None:
    """Raise ApiError 405 when the base branch's rules are not met."""
    ref = f"refs/heads/{pull.base}"
    approving = sum(review.state == "APPROVED" and review.writer for review in pull.latest_reviews())
    for protection in call.repository.protections:
        reviews = protection.settings.get("required_pull_request_reviews") or {}
        count = reviews.get("required_approving_review_count", 0) if protection.branch == pull.base else 0
        bypass = call.role == "admin" and not protection.settings.get("enforce_admins")
        if count > approving and not bypass:
            noun = "review is" if count == 1 else "reviews are"
            raise ApiError(405, f"At least {count} approving {noun} required by reviewers with write access.")
    refuse_violation(call.repository, call.role, ref, actions, status=405, merging=True)


@route("PUT", PULL + "/merge", "pulls/pulls#merge-a-pull-request", _MERGE)
def merge_pull(call: Call) -> Response:
    """Merge by `merge_method`: merge, squash or rebase, with git itself."""
    pull, bare = pull_of(call), call.bare
    method = call.value("merge_method", str) or "merge"
    _refuse_method(call, pull, method)
    base = bare.branch(pull.base)
    _refuse_merge(call, pull, ["update", "merge"] if method == "merge" else ["update"])
    for change in bare.changes(bare.merge_base(base, pull.head_sha) or base, pull.head_sha):
        refuse_workflow(call, change.path)
    commit = _merged(call, pull, base, method)
    if not commit:
        raise ApiError(405, "This branch can't be rebased" if method == "rebase" else "Pull Request is not mergeable")
    mark_merged(pull, commit, call.user.login)
    before = bare.refs()
    bare.update_ref(f"refs/heads/{pull.base}", commit, base)
    _delete_merged_head(call, pull)
    call.moved_refs(before)
    return Response.json(200, {"sha": commit, "merged": True, "message": "Pull Request successfully merged"})


def _refuse_method(call: Call, pull: Pull, method: str) -> None:
    """Raise ApiError when the repository does not merge so, or the pull request is not as the request has it."""
    it = call.repository
    if method not in ("merge", "squash", "rebase"):
        raise ApiError(422, "Invalid merge_method")
    allowed = {"merge": it.allow_merge_commit, "squash": it.allow_squash_merge, "rebase": it.allow_rebase_merge}
    names = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}
    if not allowed[method]:
        raise ApiError(405, f"{names[method]} are not allowed on this repository.")
    if pull.draft:
        raise ApiError(405, "Pull Request is still a draft")
    if pull.state != "open":
        raise ApiError(405, "Pull Request is not mergeable")
    wanted = call.value("sha", str)
    if wanted is not None and wanted != pull.head_sha:
        raise ApiError(409, "Head branch was modified. Review and try the merge again.")


def _delete_merged_head(call: Call, pull: Pull) -> None:
    """Delete the merged branch where the repository wants that; pull requests into it go to its base."""
    it, bare = call.repository, call.bare
    if it.delete_branch_on_merge and pull.head != it.default_branch and bare.branch(pull.head):
        for other in it.pulls:
            if other.state == "open" and other.base == pull.head:
                other.base = pull.base
        bare.update_ref(f"refs/heads/{pull.head}", "")


def _merged(call: Call, pull: Pull, base: str, method: str) -> str:
    """Return the commit that the base branch gets, "" for a conflict."""
    bare, who = call.bare, call.person
    title, message = call.value("commit_title", str), call.value("commit_message", str)
    tree = bare.merge(base, pull.head_sha)
    if not tree:
        return ""
    commits = list(reversed(bare.log(f"{base}..{pull.head_sha}", options=["--no-merges", "--topo-order"])))
    if method == "merge":
        text = title or f"Merge pull request #{pull.number} from {call.repository.owner}/{pull.head}"
        return bare.commit_tree(tree, (base, pull.head_sha), f"{text}\n\n{message or pull.title}\n", who)
    if method == "squash":
        subject, body = f"{pull.title} (#{pull.number})", "\n\n".join(f"* {it.message}" for it in commits)
        if len(commits) == 1:
            first, _, rest = commits[0].message.partition("\n")
            subject, body = f"{first} (#{pull.number})", rest.strip()
        author = commits[0].author if len(commits) == 1 else who
        text = f"{title or subject}\n\n{_with_coauthors(body, commits, author) if message is None else message}"
        return bare.commit_tree(tree, (base,), text.strip() + "\n", author, who)
    tip = base
    for commit in commits:
        tip = bare.pick(commit, tip, who) if tip and commit.parents else ""
    return tip


def _with_coauthors(body: str, commits: list[CommitInfo], author: Person) -> str:
    """Append who else wrote the commits, as GitHub does when it squashes: a paragraph of its own, below a line."""
    others = {it.author.email: it.author.name for it in commits if it.author.email != author.email}
    lines = "\n".join(f"Co-authored-by: {name} <{email}>" for email, name in others.items())
    return f"{body}\n\n---------\n\n{lines}" if others else body
