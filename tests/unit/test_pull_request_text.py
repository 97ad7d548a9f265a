"""What a template pull request says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from custom_resources.clients.git import Change, Lines
from custom_resources.clients.git.model import Merge
from custom_resources.delivery.planning import _title
from custom_resources.delivery.pull_request_text import MARK, Update, body, refused, superseded, unasked
from custom_resources.delivery.state import RepositoryTemplateProperties

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
        "git merge origin/main",
    ):
        assert said in text


def test_a_body_without_conflicts_says_nothing_of_them() -> None:
    assert "onflict" not in body(replace(UPDATE, changes=(change("A", "new.py"),)))


def test_a_body_says_what_git_asks_where_no_file_conflicts() -> None:
    text = body(replace(ASKS, explanation="CONFLICT (directory rename split): Unclear where to rename src to"))
    assert "Unclear where to rename src to" in text
    assert "You can merge this as it is" in text


def test_a_long_list_is_cut() -> None:
    text = body(replace(ASKS, changes=tuple(change("A", f"f{n}") for n in range(5000)), explanation="x" * 100_000))
    assert "and 4900 more" in text
    assert len(text) < 65_536  # GitHub's limit of a body


GOLDEN = Path(__file__).parent / "golden" / "pull_requests.md"
CHANGES = (change("A", "new.py"), change("M", "train.py"), change("D", "old.py"), change("T", "link"))
BODIES = {
    "It merges": replace(UPDATE, changes=CHANGES),
    "A template without a source changes nothing": replace(UPDATE, source=""),
    "A file conflicts": replace(ASKS, changes=CHANGES, conflicts=("train.py", "a b"), explanation=" CONFLICT: x\n"),
    "A file conflicts and ours is kept": replace(ASKS, conflicts=("train.py",), kept=True, default_branch="trunk"),
    "Names are alike": replace(UPDATE, alike=(("README.md", "readme.md"),)),
    "A filter would change files": replace(UPDATE, filtered=(("x.csv", "lfs"),)),
    "No file conflicts": replace(ASKS, explanation="CONFLICT (directory rename split)"),
    "The branch is protected": replace(UPDATE, changes=CHANGES, answer="GH006: Protected branch update failed"),
    "Everything at once": replace(
        ASKS,
        reason="the template and this repository changed the same places",
        notes="## Faster training\n\nUses spot instances.\n",
        changes=CHANGES,
        conflicts=("train.py",),
        lines=(("train.py", (Lines(3, 5), Lines(9, 9), Lines(20, 19))),),
        explanation="CONFLICT (content): Merge conflict in train.py",
        ignored=("config.yml",),
        absent=("docs/howto.md",),
    ),
}


def test_what_people_read_is_as_it_was() -> None:
    """Whoever changes what a pull request says reads it whole in the golden file."""
    texts = [f"# {name}\n\n{body(update)}\n" for name, update in BODIES.items()]
    assert "\n".join([*texts, superseded("v3"), superseded("v3", 12), ""]) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(("files", "cut"), [(100, False), (101, True)])
def test_a_hundred_are_listed(files: int, cut: bool) -> None:
    text = body(replace(UPDATE, changes=tuple(change("A", f"f{n}") for n in range(files))))
    assert ("and 1 more" in text) is cut
    assert text.count("- adds") == 100


def test_an_explanation_is_cut_at_8000_characters() -> None:
    assert body(replace(ASKS, explanation="x" * 8001)).count("x" * 8000 + "\n") == 1


@pytest.mark.parametrize("letter", ["x", "ä", "🙂", "`", "\n", "\udcff"])
def test_a_text_of_long_names_is_within_githubs_limit(letter: str) -> None:
    names = tuple(f"{n}{letter * 4000}.end" for n in range(300))
    pairs = tuple(zip(names, names, strict=True))
    text = body(
        Update(
            version="v" * 64,
            source="s" * 100_000,
            branch="studio/" + "b" * 240,
            default_branch="m" * 250,
            reason=" and ".join(unasked(Merge("tree", lost=names, alike=pairs, filtered=pairs))),
            changes=tuple(change("A", name) for name in names),
            conflicts=names,
            explanation=f"x{letter * 100_000}x",
            notes=f"n{letter * 100_000}n",
            answer=f"x{letter * 100_000}x",
            clean=False,
            kept=True,
            lines=[(name, [Lines(10**6, 2 * 10**6)] * 50) for name in names],
            ignored=names,
            absent=names,
            alike=pairs,
            filtered=pairs,
        )
    )
    assert len(text.encode("utf-16-le")) // 2 <= 65_536
    assert text.endswith(MARK)
    assert any(f"and {300 - listed} more" in text for listed in (100, 20, 5, 0))
    own = [line for line in text.splitlines() if not line.startswith(">")]  # a quotation ends what is open in it
    assert sum(line.count("```") for line in own) == 8, "nothing that is cut is left open"


def test_the_longest_title_is_within_githubs_limit() -> None:
    version = next(each for each in range(1000) if not fits(f"v{'1' * each}")) - 1
    assert len(_title(f"v{'1' * version}")) <= 256


def fits(version: str) -> bool:
    try:
        RepositoryTemplateProperties.model_validate(
            {
                "RepositoryId": "1",
                "Repository": "acme/build",
                "DomainId": "d1",
                "ProjectId": "p1",
                "Part": "model_build",
                "TemplateArchive": f"{'0' * 64}.zip",
                "TemplateFolder": "f",
                "TemplateVersion": version,
            }
        )
    except ValidationError:
        return False
    return True


def test_names_of_users_cannot_break_out_of_the_list() -> None:
    text = body(replace(ASKS, conflicts=("a`\n\n# Approve **now** @everyone",), explanation="```\n# out"))
    assert "- `a'??# Approve **now** @everyone`" in text
    assert text.count("```") == 4  # the two blocks of ours


def test_a_body_tells_how_to_compare_where_the_branch_keeps_the_repositorys_side() -> None:
    text = body(replace(ASKS, conflicts=("train.py",), kept=True))
    assert "Merging keeps your version of the files above." in text
    assert "git diff origin/main origin/studio/template-v2^2 -- FILE" in text


def test_a_superseded_pull_request_is_told_by_what() -> None:
    assert "the default branch has the template version v3" in superseded("v3")


def test_files_that_git_does_not_ask_about_are_named_apart_and_counted_without_names() -> None:
    merge = Merge("tree", lost=("a.py", "b.py"))
    assert "(`a.py`, `b.py`)" in unasked(merge)[0]
    assert "(2)" in unasked(merge, named=False)[0]


@pytest.mark.parametrize(
    ("files", "said"), [(3, "(`0`, `1`, `2`)"), (4, "(`0`, `1`, `2` and 1 more)"), (9, "(`0`, `1`, `2` and 6 more)")]
)
def test_of_many_files_three_are_named_and_the_others_counted(files: int, said: str) -> None:
    (reason,) = unasked(Merge("tree", lost=tuple(map(str, range(files)))))
    assert reason.endswith(said)
    (counted,) = unasked(Merge("tree", lost=tuple(map(str, range(files)))), named=False)
    assert counted.endswith(f"({files})")


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("conflicts", [(), ("train.py",)])
def test_no_body_has_a_command_that_pushes_to_the_default_branch(conflicts: tuple[str, ...], kept: bool) -> None:
    """It may be protected: nobody knows where a merge was not tried to be pushed."""
    for branch in ("main", "trunk"):
        text = body(replace(ASKS, conflicts=conflicts, kept=kept, default_branch=branch, filtered=(("x.csv", "lfs"),)))
        pushes = [line for line in text.splitlines() if "git push" in line]
        assert pushes
        assert all(line.endswith(("git push", "git push origin studio/template-v2")) for line in pushes)
        assert f"git switch {branch}" not in text


def test_a_branch_name_is_one_word_to_the_shell() -> None:
    text = body(replace(ASKS, conflicts=("train.py",), default_branch="a;b$(c)"))
    assert "git merge origin/'a;b$(c)'" in text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("GH006: Protected branch update failed for refs/heads/main.", "`main` is protected"),
        ("refs/heads/main push declined due to repository rule violations", "`main` is protected"),
        ("protected branch hook declined", "`main` is protected"),
        ("pre-receive hook declined", "`main` does not accept pushes"),
    ],
)
def test_a_refused_push_has_a_reason_for_people(answer: str, said: str) -> None:
    assert refused("main", answer) == said
    text = body(replace(UPDATE, reason=refused("main", answer), answer=answer))
    assert f"This is a pull request because {said}." in text
    before, folded, after = text.partition("<details>")
    assert answer not in before
    assert folded
    assert answer in after.partition("</details>")[0]


def test_release_notes_and_changes_come_before_the_reason() -> None:
    text = body(replace(ASKS, notes="Faster.", changes=CHANGES, conflicts=("train.py",), explanation="CONFLICT"))
    order = ["**v2**", "> Faster.", "adds `new.py`", "because why.", "### Merge conflicts", "### How to resolve"]
    places = [text.index(each) for each in [*order, "<details>"]]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([Lines(3, 5)], "- `train.py`: lines 3-5\n"),
        ([Lines(3, 3)], "- `train.py`: line 3\n"),
        ([Lines(3, 3), Lines(7, 8)], "- `train.py`: line 3 and lines 7-8\n"),
        ([Lines(3, 3), Lines(7, 8), Lines(12, 11)], "- `train.py`: line 3, lines 7-8 and after line 11\n"),
        ([Lines(1, 0)], "- `train.py`: before the first line\n"),
        ([], "- `train.py`\n"),
    ],
)
def test_the_lines_that_conflict_are_named(lines: list[Lines], said: str) -> None:
    assert said in body(replace(ASKS, conflicts=("train.py",), lines=[("train.py", lines)]))


@pytest.mark.parametrize(("places", "cut"), [(10, False), (11, True)])
def test_ten_places_of_a_file_are_named(places: int, cut: bool) -> None:
    lines = [("train.py", [Lines(n, n) for n in range(1, places + 1)])]
    text = body(replace(ASKS, conflicts=("train.py",), lines=lines))
    assert ("line 10 and 1 more" in text) is cut


def test_the_documents_show_the_pull_request_as_it_is() -> None:
    """The same order (docs/decisions/0124), the same commands, and no push to the default branch."""
    docs = Path(__file__).parents[2] / "docs"
    resync, scientist = ((docs / name).read_text(encoding="utf-8") for name in ("re-sync.md", "data-scientist.md"))
    asks = replace(ASKS, branch="studio/template-v1.1.0", default_branch="main", conflicts=("a",), kept=False)
    commands = [line.partition("#")[0].strip() for line in body(asks).splitlines() if line.startswith("git ")]
    assert commands[0] == "git fetch origin"
    assert commands[-1] == "git push origin studio/template-v1.1.0"
    assert [each for each in commands if each not in resync] == []
    shown = " ".join(scientist.split()).partition(
        "opens a **pull request** from the branch `studio/template-<version>`"
    )
    order = ["release notes", "what the template changes", "why it is a pull request", "how to resolve merge conflicts"]
    places = [shown[2].find(each) for each in order]
    assert places == sorted(places)
    assert places[0] > 0
    for text in (resync, scientist):
        assert "push origin main" not in text
        assert "lists the template's files that are not in your branch" in " ".join(text.split())
