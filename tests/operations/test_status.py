"""The verb `status`: text of 80 columns, CSV, JSON, a page, what is kept, filters and exit statuses."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from custom_resources.clients.github import GitHub
from custom_resources.clients.secrets import GitHubCredentials
from custom_resources.clients.service_catalog import ProductVersion
from custom_resources.errors import AwsDenied, RepositoryNotFound
from operations import status_command
from operations.command_line import main
from operations.errors import FleetNotKept
from operations.fleet.drift import secret_names, with_secrets
from operations.fleet.facts import STATES, Fleet, Project, PullRequestStatus, RepositoryStatus
from operations.fleet.gathering import GitHubSide
from operations.fleet.graphql import GraphQL
from operations.fleet.keeping import keep, kept
from operations.fleet.tables import CSV_COLUMNS, WIDTH, as_csv, chosen, lines
from operations.status import newest
from tests.operations.test_fleet import V1, V2, Projects, github, projects

__all__ = ["github", "projects"]
OPEN = PullRequestStatus(
    "https://github.com/acme/p2-build/pull/7",
    7,
    "open",
    version=V2,
    since="2026-11-01T10:00:00Z",
    mergeable="conflicting",
    branch=f"studio/template-{V2}",
    reported=True,
)


def repository(name: str, version: str = V2, **more: Any) -> RepositoryStatus:
    part = "build" if name.endswith("build") else "deploy"
    place = more.pop("place", "there")
    return RepositoryStatus(part, 1, f"acme/{name}", f"https://github.com/acme/{name}", place, version, **more)  # type: ignore[arg-type]


def project(name: str, state: Any = "current", reason: str = "", **build: Any) -> Project:
    repositories = (repository(f"{name}-build", **build), repository(f"{name}-deploy"))
    return Project(
        f"pp-{name}", f"studio-{name}", f"id-{name}", "Regression", "ada", wanted=V2, state=state, reason=reason,
        repositories=repositories,
    )  # fmt: skip


FLEET = Fleet(
    "2026-11-28T10:00:00+00:00",
    V2,
    (
        project("p1"),
        project("p2", "waiting", version=V1, pull_request=OPEN),
        project("p3", "failed", "TAINTED, UPDATE_ROLLBACK_COMPLETE: The stack was rolled back.", version=V1),
        project("p4", missing_workflows=("build.yml",), missing_secrets=("REGION",)),
        replace(project("p5", "gone", "acme/p5-build is deleted.", place="deleted"), profile="Vision"),
    ),
)


# -- text --------------------------------------------------------------------------------------------------------------


def test_the_table_has_80_columns_and_says_what_is_to_be_done() -> None:
    told = list(lines(FLEET))
    assert told[0].split() == ["PROJECT", "BUILD", "DEPLOY", "STATE"]
    assert told[1].split() == ["studio-p1", V2, V2, "current"]
    assert told[2].split() == ["studio-p2", V1, V2, "waiting"]
    assert told[3] == "  build: pull request #7 for v1.1.0 open since 2026-11-01, conflicting"
    assert told[4] == f"  {OPEN.url}"
    assert "  build: secrets missing: REGION; workflows missing: build.yml" in told
    assert told[-1] == "2 current, 1 waiting, 1 failed, 1 gone; wanted: v1.1.0; as of 2026-11-28T10:00:00+00:00"
    assert [line for line in told if len(line) > WIDTH and " " in line.strip()][:-1] == []


def test_long_names_and_reasons_fit_the_width() -> None:
    long = replace(project("p" * 90, "failed", "It went wrong. " * 20), repositories=())
    told = list(lines(FLEET.only([long])))[:-1]
    assert max(len(line) for line in told) <= WIDTH
    assert told[1].split()[1:] == ["?", "?", "failed"]
    assert told[1].startswith("studio-ppp")


def test_what_could_not_be_read_is_no_empty_fleet() -> None:
    assert list(lines(replace(FLEET.only([]), problem="No credentials."))) == []
    assert list(lines(FLEET.only([])))[-1].startswith("no project; wanted: v1.1.0")


# -- CSV and JSON ------------------------------------------------------------------------------------------------------


def test_csv_has_a_row_for_each_project() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(FLEET))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["state"] for row in rows] == ["current", "waiting", "failed", "current", "gone"]
    assert rows[1]["build_pull_request"] == OPEN.url
    assert rows[3]["missing_secrets"] == "build:REGION"


@pytest.mark.parametrize("name", ["=HYPERLINK(0)", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(name: str) -> None:
    fleet = FLEET.only([replace(project("p1"), name=name, reason='a, "b"\nc')])
    [row] = csv.DictReader(io.StringIO(as_csv(fleet)))
    assert row["project"] == f"'{name}"
    assert row["reason"] == 'a, "b"\nc'


def test_the_look_is_kept_whole_with_its_time(tmp_path: Path) -> None:
    file = tmp_path / "build" / "fleet.json"
    keep(file, FLEET)
    assert kept(file) == FLEET
    assert [each.name for each in file.parent.iterdir()] == ["fleet.json"]
    assert json.loads(file.read_text())["time"] == FLEET.time


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    """Root may replace anything: `--keep /dev/null` must leave a device that it is."""
    pipe, read = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text(encoding="utf-8")))
    reader.start()
    keep(pipe, FLEET)
    reader.join(timeout=10)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert json.loads(read[0])["wanted"] == V2
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    file, link = tmp_path / "file.json", tmp_path / "link.json"
    link.symlink_to(file)
    keep(link, FLEET)
    assert link.is_symlink()
    assert kept(file).wanted == V2


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"time": "x", "wanted": "", "problem": "", "projects": [{}]}'])
def test_another_file_is_no_status(tmp_path: Path, text: str) -> None:
    (tmp_path / "fleet.json").write_text(text)
    with pytest.raises(FleetNotKept, match="does not contain a saved status"):
        kept(tmp_path / "fleet.json")


# -- filters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], ["p1", "p2", "p3", "p4", "p5"]),
        (["outdated"], ["p2", "p3"]),
        (["open_prs"], ["p2"]),
        (["failed"], ["p3"]),
        (["drift"], ["p4"]),
        (["drift", "failed"], ["p3", "p4"]),
    ],
)
def test_filters_choose_projects(filters: list[str], names: list[str]) -> None:
    assert [each.name.removeprefix("studio-") for each in chosen(FLEET.projects, filters)] == names


def run(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> tuple[int, str]:
    code = main(["status", "--cached", "--keep", str(file), *arguments])
    return code, capsys.readouterr().out


def test_the_exit_status_is_of_the_chosen_projects(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    keep(file, FLEET)
    assert run(capsys, file)[0] == 3
    assert run(capsys, file, "--project", "studio-p1", "--project", "id-p4")[0] == 0
    assert run(capsys, file, "--profile", "vision")[0] == 3
    code, told = run(capsys, file, "--open-prs")
    assert (code, "studio-p2" in told, "studio-p1" in told) == (3, True, False)
    code, told = run(capsys, file, "--json", "--failed")
    assert [each["name"] for each in json.loads(told)["projects"]] == ["studio-p3"]
    code, told = run(capsys, file, "--csv", "--drift")
    assert (told.splitlines()[0].split(",")[0], told.splitlines()[1].split(",")[0]) == ("project", "studio-p4")
    assert run(capsys, file, "--project", "p9")[0] == 1


# -- the page ----------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects elements and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_stands_alone_and_shows_three_charts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    keep(tmp_path / "fleet.json", FLEET)
    run(capsys, tmp_path / "fleet.json", "--html", str(tmp_path / "fleet.html"))
    page = Page((tmp_path / "fleet.html").read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("svg") == 3
    assert not {"script", "link", "img", "iframe", "object", "image"} & set(tags)
    assert not [value for _, each in page.elements for name, value in each.items() if name in ("src", "srcset")]
    [policy] = [each["content"] for tag, each in page.elements if each.get("http-equiv")]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    labels = [each["aria-label"] for _, each in page.elements if each.get("role") == "img"]
    assert labels == [
        "Versions in the default branches: v1.1.0 8, v1.0.0 2",
        "Progress towards the wanted version: current 2, waiting 1, failed 1, gone 1",
        "Open template pull requests by age: up to a day 0, up to a week 0, up to a month 1, over a month 0",
    ]
    assert all(state in page.text for state in STATES)
    assert ("a", {"href": OPEN.url}) in page.elements


def test_nothing_that_people_name_is_markup(tmp_path: Path) -> None:
    from operations.fleet.page import page

    hostile = "</td><script>alert(1)</script>\"'>"
    bad = replace(project("p1", "failed", hostile, version=hostile), name=hostile, owner=hostile, profile=hostile)
    found = Page(page(FLEET.only([bad])))
    assert "script" not in [tag for tag, _ in found.elements]
    assert found.text.count(hostile) >= 4


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_secret_that_was_removed_is_drift(projects: Projects) -> None:
    projects.add("p1", version=V2)
    fleet = projects.look()
    names = [f"SECRET_{number}" for number in range(100)]  # as many as there can be
    real = GitHub(projects.github.api_url, lambda: GitHubCredentials(token=projects.github.token))
    for name in ("p1-build", "p1-deploy"):
        real.put_secrets(f"acme/{name}", dict.fromkeys(names, "x"))
    projects.client.expect(204, "DELETE", "/repos/acme/p1-build/actions/secrets/SECRET_7")
    side = GitHubSide(lambda: GraphQL(projects.github.api_url, GitHubCredentials), lambda: real)
    projects.github.log.clear()
    looked = with_secrets(fleet, {"build": names, "deploy": names}, lambda name: secret_names(side, name))
    [found] = looked.projects
    assert [each.missing_secrets for each in found.repositories] == [("SECRET_7",), ()]
    assert [each.name for each in chosen(looked.projects, ["drift"])] == ["studio-p1"]
    listed = [request for request in projects.requests() if request.endswith("/actions/secrets")]
    assert len(listed) == len(projects.requests()) == 2


def test_secrets_that_cannot_be_listed_are_a_problem_of_their_repository() -> None:
    def names(full_name: str) -> set[str]:
        raise RepositoryNotFound(activity=f"listing the secrets of {full_name}")

    [found] = with_secrets(FLEET.only(FLEET.projects[:1]), {"build": ["A"], "deploy": []}, names).projects
    assert "listing the secrets of acme/p1-build" in found.repositories[0].problem
    assert not found.drifts


# -- the whole verb ----------------------------------------------------------------------------------------------------


class Catalog:
    """Service Catalog and CloudFormation over the projects of a test; counts what is asked."""

    def __init__(self, projects: Projects) -> None:
        self.projects, self.asked = projects, list[str]()
        self.denied = False

    def product(self, name: str) -> str:
        self.asked.append("SearchProductsAsAdmin")
        return "prod-1"

    def outputs(self, stack: str) -> dict[str, str]:
        return {"ProductId": "prod-1"}

    def versions(self, product_id: str) -> list[ProductVersion]:
        self.asked.append("ListProvisioningArtifacts")
        return [ProductVersion("pa-1", V1, "DEPRECATED"), ProductVersion("pa", V2)]

    def launches(self, product_id: str, versions: Any) -> list[Any]:
        self.asked.append("SearchProvisionedProducts")
        return self.projects.launches

    def every(self) -> Iterator[Any]:
        self.asked.append("DescribeStacks")
        if self.denied:
            raise AwsDenied(
                service="CloudFormation",
                activity="listing the stacks",
                permission="cloudformation:DescribeStacks",
                message="no",
            )
        yield from self.projects.stacks

    def described(self, stack: str) -> Any:
        self.asked.append("DescribeStacks")
        return next(each for each in self.projects.stacks if each.id == stack)


@pytest.fixture
def catalog(projects: Projects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Catalog:
    found = Catalog(projects)
    credentials = GitHubCredentials(token=projects.github.token)
    url = projects.github.api_url
    side = GitHubSide(lambda: GraphQL(url, lambda: credentials), lambda: GitHub(url, lambda: credentials))
    monkeypatch.setattr(status_command, "connected", lambda: (found, found))
    monkeypatch.setattr(status_command, "github_side", lambda client, settings: side)
    monkeypatch.setattr(status_command, "KEPT", tmp_path / "fleet.json")
    monkeypatch.setenv("MLOPS_VERSIONS_DIR", str(tmp_path / "versions"))
    monkeypatch.setenv("SETTINGS_FILE", str(tmp_path / "settings.toml"))
    (tmp_path / "settings.toml").write_text('[git_config]\nprivate_github_organization = "acme"\n')
    return found


def test_status_asks_for_a_list_of_each_and_a_query(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("p1", "p2"):
        catalog.projects.add(name, version=V2)
    catalog.projects.offer("p2", "v1.2.0", reported=False)
    catalog.projects.github.log.clear()
    file = tmp_path / "kept.json"
    assert main(["status", "--json", "--keep", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert catalog.asked == ["ListProvisioningArtifacts", "SearchProvisionedProducts", "DescribeStacks"]
    assert catalog.projects.requests() == ["POST /api/graphql"]
    assert told["wanted"] == V2
    assert told["states"] == {"current": 2}
    assert [each["state"] for each in told["pull_requests"]] == ["open"]
    assert kept(file).projects[1].opens[0][1].version == "v1.2.0"
    assert catalog.projects.github.token not in json.dumps(told) + file.read_text()
    assert main(["status", "--version", "v1.2.0", "--keep", str(file)]) == 3


def test_where_the_list_is_denied_each_stack_is_read(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    catalog.denied = True
    for name in ("p1", "p2"):
        catalog.projects.add(name, version=V2)
    assert main(["status", "--keep", str(tmp_path / "kept.json")]) == 0
    assert catalog.asked.count("DescribeStacks") == 3


def test_a_look_that_cannot_be_kept_is_told_all_the_same(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    catalog.projects.add("p1", version=V2)
    (tmp_path / "file").write_text("")
    assert main(["status", "--keep", str(tmp_path / "file" / "fleet.json")]) == 0
    out, err = capsys.readouterr()
    assert "studio-p1" in out
    assert "the result was not saved" in err


def test_drift_asks_github_once_more_for_each_repository(
    catalog: Catalog, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    catalog.projects.add("p1", version=V2)
    catalog.projects.github.log.clear()
    assert main(["status", "--drift", "--json", "--keep", str(tmp_path / "kept.json")]) == 0
    [found] = json.loads(capsys.readouterr().out)["projects"]
    assert "AMAZON_DATAZONE_PROJECT" in found["repositories"][0]["missing_secrets"]
    assert "DEPLOY_ACCOUNT" in found["repositories"][1]["missing_secrets"]
    missing = {name for each in found["repositories"] for name in each["missing_secrets"]}
    assert "MLFLOW_TRACKING_URI" not in missing, "a project without a server has none, and lacks nothing"
    paths = [request.rpartition("/repos")[2] for request in catalog.projects.requests()]
    assert paths[1:] == ["/acme/p1-build/actions/secrets", "/acme/p1-deploy/actions/secrets"]


def test_the_newest_live_version_is_wanted() -> None:
    live = [ProductVersion(name, name) for name in ("v1.9.0", "v1.10.0", "later")]
    assert newest([*live, ProductVersion("v2", "v2.0.0", "DEPRECATED")]) == "v1.10.0"
    assert newest([]) == ""
