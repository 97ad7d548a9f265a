"""The Studio domain of a local run: of one kind, which its first project chooses."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import arguments, domain
from local.home import Home, LocalError
from products.settings import load_settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_run_without_studio_has_no_domain(home: Home) -> None:
    assert domain.identifier(home) == ""


@pytest.mark.parametrize(
    ("given", "kind"), [("", "identity-center"), ("identity-center", "identity-center"), ("iam", "iam")]
)
def test_the_first_project_chooses_the_kind_and_the_next_ones_keep_it(home: Home, given: str, kind: str) -> None:
    domain.use_profile(home, "regression", "acme-ml", given)
    assert domain.identifier(home) == domain.KINDS[kind]
    domain.use_profile(home, "Tabular", "acme-ml")
    assert domain.identifier(home) == domain.KINDS[kind]
    assert load_settings(home.settings).studio.profiles == ("Tabular", "regression")
    other = next(each for each in domain.KINDS if each != kind)
    with pytest.raises(LocalError, match=f"The domain of this run has the kind {kind}"):
        domain.use_profile(home, "regression", "acme-ml", other)


def test_the_command_line_takes_the_kinds_that_there_are() -> None:
    parser = arguments.parser()
    for kind in domain.KINDS:
        assert parser.parse_args(["studio", "create-project", "p", "--domain-kind", kind]).domain_kind == kind
    assert parser.parse_args(["studio", "create-project", "p"]).domain_kind == ""
    with pytest.raises(SystemExit):
        parser.parse_args(["studio", "create-project", "p", "--domain-kind", "ldap"])
