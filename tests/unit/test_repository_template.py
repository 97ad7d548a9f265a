"""What is planned for a repository, from what was observed: no clients, no Git."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from custom_resources.clients import FunctionClients
from custom_resources.clients.git import Change, Commit, Merge, Refs, Stage
from custom_resources.clients.github import PullRequest
from custom_resources.lineage import TEMPLATE_REF, Delivery, Proposal, message
from custom_resources.pull_request_text import Update, body
from custom_resources.reconciler import Request
from custom_resources.repository_template import (
    Observed,
    Offered,
    Plan,
    RepositoryTemplate,
    RepositoryTemplateProperties,
    propose,
)

RESOURCE = RepositoryTemplate(FunctionClients({}))
PROPERTIES = RepositoryTemplateProperties(
    repository_id=1,
    repository="acme/build",
    domain_id="d1",
    project_id="p1",
    part="model_build",
    template_archive="b" * 64 + ".zip",
    template_version="v2",
    template_folder="regression/model_build",
)
V1 = Delivery("d1", "p1", "model_build", "regression/model_build", "v1", "a" * 64 + ".zip")
V2 = replace(V1, version="v2", archive="b" * 64 + ".zip")
BASE = Commit("base", "tree1", (), message("Template", V1))
SEEN = Observed(
    full_name="acme/build",
    branch="main",
    refs=Refs("main", {"refs/heads/main": "tip", TEMPLATE_REF: "base", V1.ref: "base"}),
    tip=Commit("tip", "treeU", ("base",), "Work"),
    base=BASE,
    delivered=V1,
    commit="new",
    tree="tree2",
    merge=Merge("treeM"),
)
CONFLICT = replace(SEEN, merge=Merge("treeM", False, (Stage(2, "100644", "b", "train.py", "train.py"),), "CONFLICT"))


def decided(seen: Observed, kind: Any = "Update", **settings: Any) -> Plan:
    return RESOURCE.plan(Request(kind, PROPERTIES.model_copy(update=settings), None, "", "", ""), seen)


def offer(
    state: str = "open", *, untouched: bool = True, delivered: bool = False, number: int = 7, base: str = "main"
) -> Offered:
    url = f"https://github.com/acme/build/pull/{number}"
    pull = PullRequest(number, url, state, delivered, "head", "studio/template-v1", base=base)
    return Offered(Proposal(f"studio/template-{number}", "key", "offered", "head"), pull, untouched, delivered)


def test_an_empty_repository_is_seeded() -> None:
    decision = decided(Observed(commit="new"), "Create")
    assert (decision.action, decision.status) == ("seed", "seeded")


def test_a_delete_does_nothing() -> None:
    assert decided(Observed(), "Delete").action == "nothing"


def test_a_clean_merge_is_pushed_and_supersedes_open_pull_requests() -> None:
    open_, declined = offer(), offer("closed")
    decision = decided(replace(SEEN, offered=(open_, declined)))
    assert (decision.action, decision.status, decision.withdrawn) == ("push", "merged", (open_,))


@pytest.mark.parametrize(
    ("seen", "settings", "reason"),
    [
        (CONFLICT, {}, "changed the same places"),
        (replace(SEEN, merge=Merge("treeM", clean=False)), {}, "cannot tell where"),
        (SEEN, {"sync_mode": "PullRequest"}, "by pull request"),
        (replace(SEEN, certain=False), {}, "does not show for certain"),
    ],
)
def test_what_cannot_or_must_not_be_pushed_is_proposed(seen: Observed, settings: dict[str, str], reason: str) -> None:
    decision = decided(seen, **settings)
    assert (decision.action, decision.status) == ("propose", "pull-request")
    assert reason in decision.reason


def test_an_open_pull_request_is_renewed_and_the_others_withdrawn() -> None:
    mine, touched = offer(number=1), offer(number=2, untouched=False)
    decision = propose(replace(CONFLICT, offered=(touched, mine)), "why")
    assert (decision.renewed, decision.withdrawn) == (mine, (touched,))


def test_one_into_a_former_default_branch_is_withdrawn() -> None:
    former = offer(base="master")
    decision = propose(replace(CONFLICT, offered=(former,)), "why")
    assert (decision.renewed, decision.withdrawn) == (None, (former,))


def test_a_declined_or_touched_one_is_not_renewed() -> None:
    assert propose(replace(CONFLICT, offered=(offer("closed"), offer(untouched=False))), "why").renewed is None


def test_a_branch_whose_pull_request_was_never_opened_is_taken_up() -> None:
    pushed = Offered(Proposal("studio/template-v2", "key", "offered", "head"), None, untouched=True)
    assert propose(replace(CONFLICT, offered=(pushed,)), "why").renewed == pushed


def test_the_same_files_move_the_record_only() -> None:
    decision = decided(replace(SEEN, tree="tree1"))
    assert (decision.action, decision.status) == ("record", "unchanged")
    assert decided(replace(SEEN, tree="tree1", certain=False)).action == "propose"


def test_what_is_recorded_is_not_written_again() -> None:
    seen = replace(SEEN, base=None, delivered=V2, merge=None)
    assert (decided(seen).action, decided(seen).status) == ("nothing", "unchanged")


def test_a_merged_pull_request_is_recorded() -> None:
    merged = replace(
        SEEN, base=replace(BASE, sha="offered"), delivered=V2, merge=None, offered=(offer("closed", delivered=True),)
    )
    assert (decided(merged).action, decided(merged).status) == ("record", "merged")


def test_off_does_nothing() -> None:
    decision = decided(replace(SEEN, merge=None), sync_mode="Off")
    assert (decision.action, decision.status) == ("nothing", "off")


def test_a_declined_version_is_not_asked_again() -> None:
    decision = decided(replace(SEEN, merge=None, offered=(offer("closed"),)))
    assert (decision.action, decision.status) == ("nothing", "pull-request")
    assert decision.pull_request_url.endswith("/7")


def test_a_plan_tells_no_more_than_it_must() -> None:
    assert "observed" not in repr(decided(SEEN))
    assert RESOURCE.cost(decided(SEEN)).points == 0
    assert RESOURCE.cost(decided(CONFLICT)).creations == 1


# -- the pull request's text ----------------------------------------------------------------------------------------

UPDATE = Update("v2", "https://example.com", "studio/template-v2", "main", "why", (), (), "")
ASKS = replace(UPDATE, clean=False)


def change(status: str, path: str) -> Change:
    return Change(status, path, "100644", "100644", "a", "b")


def test_a_body_lists_changes_and_conflicts() -> None:
    changes = (change("A", "new.py"), change("M", "train.py"), change("D", "old.py"))
    text = body(replace(ASKS, changes=changes, conflicts=("train.py",), explanation="CONFLICT (content)"))
    for said in (
        "adds `new.py`",
        "changes `train.py`",
        "removes `old.py`",
        "- `train.py`",
        "CONFLICT (content)",
        "git merge",
    ):
        assert said in text


def test_a_body_without_conflicts_says_nothing_of_them() -> None:
    assert "onflict" not in body(replace(UPDATE, changes=(change("A", "new.py"),)))


def test_a_body_says_what_git_asks_where_no_file_conflicts() -> None:
    text = body(replace(ASKS, explanation="CONFLICT (directory rename split): Unclear where to rename src to"))
    assert "Unclear where to rename src to" in text
    assert "It can be merged as it is" in text


def test_a_long_list_is_cut() -> None:
    text = body(replace(ASKS, changes=tuple(change("A", f"f{n}") for n in range(5000)), explanation="x" * 100_000))
    assert "and 4900 more" in text
    assert len(text) < 65_536  # GitHub's limit of a body


def test_names_of_users_cannot_break_out_of_the_list() -> None:
    text = body(replace(ASKS, conflicts=("a`\n\n# Approve **now** @everyone",), explanation="```\n# out"))
    assert "- `a'??# Approve **now** @everyone`" in text
    assert text.count("```") == 4  # the two blocks of ours
