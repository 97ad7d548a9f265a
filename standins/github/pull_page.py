"""A pull request as a page: its text as GitHub shows it, who and what is on it, its commits and changes."""

from __future__ import annotations

from markupsafe import Markup

from standins.github.bare import Bare
from standins.github.model import Pull, Repository
from standins.github.store import Store
from standins.github.urls import quoted
from standins.markdown import rendered
from standins.markup import folded, joined, link, paragraph, section, table, tag, text_block


def pull_request(store: Store, it: Repository, pull: Pull, most: int) -> Markup:
    """Return the page's body, with at most so many bytes of its patch."""
    bare = store.bare(it)
    base = bare.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    patch = bare.patch(base, pull.head_sha)[:most].decode("utf-8", "replace")
    said = joined(section(f"{one.login} commented", rendered(one.body)) for one in pull.comments)
    return joined(
        [
            paragraph(tag(_state(pull, bare)), f" {pull.login} wants to merge ", pull.head, " into ", pull.base),
            _people(pull),
            section("Description", rendered(pull.body or "")),
            said,
            section("Commits", _commits(it, bare, f"{base}..{pull.head_sha}")),
            section("Changes", folded("Show them", text_block(patch, "Changes"))),
        ]
    )


def _state(pull: Pull, bare: Bare) -> str:
    """Return how it stands, in GitHub's words."""
    if pull.merged_at:
        return "merged"
    tip = bare.branch(pull.base)
    if pull.state == "open" and tip and not bare.merge(tip, pull.head_sha):
        return "open, has conflicts"
    return pull.state


def _people(pull: Pull) -> Markup:
    rows = [
        (name, ", ".join(values))
        for name, values in (
            ("Labels", pull.labels),
            ("Assignees", pull.assignees),
            ("Reviewers", [*pull.requested_reviewers, *pull.requested_teams]),
        )
        if values
    ]
    return table("Who and what is on it", ("What", "Names"), rows, "Nobody is assigned, and there is no label.")


def _commits(it: Repository, bare: Bare, revisions: str) -> Markup:
    rows = (
        (link(f"/{quoted(it.full_name)}/commit/{each.sha}", each.sha[:10]), each.message.partition("\n")[0])
        for each in bare.log(revisions, limit=100)
    )
    return table("Newest first", ("Commit", "Message"), rows, "There is none.")
