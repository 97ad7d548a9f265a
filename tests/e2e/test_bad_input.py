"""Bad input, through the command line: one clear sentence, and no repository left unarchived."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine, Observer, git_repository, write

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.shares("bad input", seconds=60)]
GOOD = {"regression/model_build/a.py": "a\n", "regression/model_deploy/b.py": "b\n"}


@pytest.fixture
def untouched(seen: Observer) -> Iterator[None]:
    """Nothing is created on GitHub: not even something that is archived again."""
    before = seen.repositories()
    yield
    assert seen.repositories() == before


@pytest.fixture
def nothing_left(seen: Observer) -> Iterator[None]:
    """What was created is archived again."""
    before = seen.repositories(archived=False)
    yield
    assert seen.repositories(archived=False) == before


# -- the template source ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--template-source", "{good}", "--profile", "vision"], "no profile 'vision' (it has: regression)"),
        (["--template-source", "{good}", "--template-folder", "missing"], "not contain the folder 'missing'"),
        (["--template-source", "{good}", "--template-folder", "../.."], "is outside the template source"),
        (["--template-source", "{nowhere}"], "neither a folder nor a Git URL"),
        (["--template-source", "{repository}", "--template-ref", "no-such-ref"], "no branch, tag or commit"),
        (["--template-source", "file://{nowhere}"], "cannot be read"),
        (["--template-source", "{half}"], "does not have a folder model_deploy"),
        (["--template-source", "{empty}"], "is empty"),
        (["--template-source", "{linked}"], "symbolic link"),
        (["--template-source", "{huge}"], "100 MB"),
        (["--template-ref", "main"], "need --template-source"),
        (["--version", "v9.9.9"], "There is no version v9.9.9"),
        (["--template-source", "{good}", "--version", "nine"], "not a version"),
        (["--template-source", "{good}", "--version", "v1.0.0"], "published with other content"),
    ],
)
def test_a_source_that_cannot_be_used(cli: CommandLine, tmp_path: Path, arguments: list[str], said: str) -> None:
    places = {
        name: str(tmp_path / name) for name in ("good", "nowhere", "repository", "half", "empty", "linked", "huge")
    }
    write(tmp_path / "good", GOOD)
    git_repository(write(tmp_path / "repository", GOOD))
    write(tmp_path / "half", {"regression/model_build/a.py": "a\n"})
    (tmp_path / "empty" / "regression" / "model_build").mkdir(parents=True)
    write(tmp_path / "linked", GOOD)
    (tmp_path / "linked" / "regression" / "model_build" / "passwd").symlink_to("/etc/passwd")
    with (write(tmp_path / "huge", GOOD) / "regression" / "model_build" / "model.bin").open("wb") as file:
        file.truncate(100 * 1024 * 1024 + 1)

    assert said in cli.refused("launch", "bad-source", *(argument.format(**places) for argument in arguments))
    assert "bad-source" not in {project["name"] for project in cli.done("status")["projects"]}


# -- what CloudFormation refuses ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--profile", "vision"], "not have the folder vision/model_build"),
        (["--build-repository", "has space"], "Build repository must have up to 100 letters"),
        (["--build-repository", "ends.git"], "Build repository"),
        (["--build-repository", "same", "--deploy-repository", "same"], "different names"),
        (["--organization", "not/a/name"], "Organization"),
        (["--parameter", "GlueTable=bad;name"], "Glue table"),
        (["--parameter", "NoSuchParameter=1"], "does not have the parameter NoSuchParameter; it has: AdoptExisting"),
        (["--parameter", "broken"], "not of the form"),
    ],
)
def test_a_parameter_that_cannot_be_used(cli: CommandLine, arguments: list[str], said: str) -> None:
    assert said in cli.refused("launch", "bad-parameter", "--version", "v1.0.0", *arguments)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["", "-x", "has space", "x" * 60, "a;b"])
def test_a_project_name_that_cannot_be_one(cli: CommandLine, name: str) -> None:
    assert "is not a valid project name" in cli.refused("launch", "--profile", "regression", "--", name)


# -- what GitHub refuses ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
def test_an_organization_that_does_not_exist(cli: CommandLine) -> None:
    assert "no-such-org" in cli.refused("launch", "nowhere", "--version", "v1.0.0", "--organization", "no-such-org")


@pytest.mark.usefixtures("untouched")
def test_a_token_that_is_wrong(cli: CommandLine) -> None:
    wrong = {"GITHUB_TOKEN": "wrong-canary-token"}
    outcome = cli.run("launch", "locked-out", "--version", "v1.0.0", environment=wrong)
    assert outcome.code == 1
    assert "token" in outcome.error
    assert "wrong-canary-token" not in f"{outcome.error}{outcome.errors}"


def test_afterwards_the_stand_ins_own_token_is_used_again(cli: CommandLine, seen: Observer) -> None:
    wrong = {"GITHUB_TOKEN": "wrong-canary-token"}
    cli.refused("launch", "recovers", "--version", "v1.0.0", environment=wrong)
    assert cli.done("launch", "recovers", "--version", "v1.0.0")["status"] == "CREATE_COMPLETE"


@pytest.mark.usefixtures("untouched")
def test_a_token_without_the_workflow_scope(cli: CommandLine, seen: Observer) -> None:
    narrow = {"GITHUB_TOKEN": seen.control("POST", "tokens", {"token": "narrow-token", "scopes": ["repo"]})["token"]}
    error = cli.refused("launch", "narrow", "--version", "v1.0.0", environment=narrow)
    assert "'workflow'" in error


@pytest.mark.usefixtures("nothing_left")
def test_a_name_that_is_somebody_elses(cli: CommandLine, seen: Observer) -> None:
    body = {"name": "somebody-elses", "private": True, "auto_init": True}
    assert seen.api("POST", f"orgs/{seen.organization}/repos", body).status_code == 201
    before = seen.repository("somebody-elses")

    error = cli.refused("launch", "taken", "--version", "v1.0.0", "--deploy-repository", "somebody-elses")

    assert "somebody-elses already exists and does not belong to this project" in error
    assert seen.repository("somebody-elses") == before
    assert seen.api("PATCH", f"repos/{seen.organization}/somebody-elses", {"archived": True}).ok


# -- which GitHub -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["--github-api-url", "https://api.github.com", "--organization", "o"], "", "GITHUB_TOKEN is not set"),
        (["--github-api-url", "https://api.github.com"], "t", "needs --organization"),
        (["--github-api-url", "ftp://x", "--organization", "o"], "t", "is not an API URL"),
        (["--github-api-url", "https://u:p@x/api/v3", "--organization", "o"], "t", "is not an API URL"),
        (["--github-api-url", "http://[::1", "--organization", "o"], "t", "is not an API URL"),
        (["--github-api-url", "http://x:y", "--organization", "o"], "t", "is not an API URL"),
        (
            ["--github-api-url", "https://x/api/v3", "--github-server-url", "http://[::1", "--organization", "o"],
            "t",
            "is not a server URL",
        ),
        (["--github-server-url", "https://github.com"], "t", "needs --github-api-url"),
    ],
)
def test_a_github_that_is_half_named(cli: CommandLine, arguments: list[str], token: str, said: str) -> None:
    environment = {"GITHUB_TOKEN": token} if token else {}
    assert said in cli.refused("launch", "elsewhere", *arguments, environment=environment)
