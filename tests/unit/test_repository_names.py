"""How a project's repositories are called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_resources import repository_names as names

OWNER = ("dzd_1", "p1")
GITHUB = re.compile(r"(?!\.{1,2}\Z)(?!.*\.git\Z)[A-Za-z0-9._-]{1,100}\Z")
PATTERNS = ("{project}-{part}", "ml-{project}-{part}-{id}", "{part}-{id}", "{project}.{part}")


@pytest.mark.parametrize(
    ("pattern", "project", "stem"),
    [
        ("{project}-{part}", "churn", "churn-@"),
        ("{project}-{part}", "Customer Churn 2", "customer-churn-2-@"),
        ("{project}-{part}", "Prévision--Été_x", "prevision-ete-x-@"),
        ("{project}-{part}", "解約", "p1-@"),
        ("{project}-{part}", "", "p1-@"),
        ("ml_{project}-{part}", "a/b:c@d", "ml_a-b-c-d-@"),
        ("", "churn", ""),
    ],
)
def test_a_pattern_becomes_a_stem(pattern: str, project: str, stem: str) -> None:
    assert names.stem(pattern, *OWNER, project) == stem


def test_a_stem_names_both_and_the_ids_do_where_there_is_none() -> None:
    assert names.default("churn-@", "build", *OWNER) == "churn-build"
    assert names.default("churn-@", "deploy", *OWNER) == "churn-deploy"
    assert names.default("", "deploy", *OWNER) == "p1-dzd_1-deploy-repo"


def test_a_short_id_tells_projects_of_one_name_apart() -> None:
    mine, others = names.short_id(*OWNER), {names.short_id("dzd_1", f"p{number}") for number in range(2, 500)}
    assert re.fullmatch(r"[a-z2-7]{6}", mine)
    assert mine not in others
    assert len(others) == 498
    assert names.short_id("dzd_1", "p1") == mine != names.short_id("dzd_2", "p1")
    assert names.alternative("churn-@", "build", *OWNER) == f"churn-build-{mine}"
    assert names.alternative("", "build", *OWNER) == ""
    assert names.alternative(names.stem("{part}-{id}", *OWNER, "x"), "build", *OWNER) == "", "it has the id already"


@given(st.text(max_size=80), st.sampled_from(PATTERNS), st.sampled_from(["build", "deploy"]))
def test_each_name_is_one_that_github_takes(project: str, pattern: str, part: str) -> None:
    stem = names.stem(pattern, *OWNER, project)
    assert names.remembered(stem) == stem
    assert GITHUB.match(names.default(stem, part, *OWNER))
    other = names.alternative(stem, part, *OWNER)
    assert not other or GITHUB.match(other)


@pytest.mark.parametrize(
    "forged", ["", "churn", "a@b@c", "../@", "a b@", "@.git", ".@", f"{'x' * 90}@", "a/@", "a:@", "@\n"]
)
def test_what_is_no_stem_is_none(forged: str) -> None:
    assert names.remembered(forged) == ""
