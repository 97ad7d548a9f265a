"""The documentation's commands, word for word, in a fresh clone: README from the top, then the administrator's pages.

tour_plan.py lists the commands that this test does not run. All others run in one folder, as for a person who reads
one page after another: the demo, the tour after it, the run of docs/studio.md and the rehearsal of docs/admin.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from local.home import Home
from tests.e2e.clone import Shell, Told, fresh_clone, git
from tests.e2e.documents import ROOT, Command, commands
from tests.e2e.tour_plan import RUN_ELSEWHERE, TOURED
from tests.sharing import forget_spent_budget

# Long: a demo, three launches and a rollout. The tests follow each other in one folder.
pytestmark = [
    *(pytest.mark.slow, pytest.mark.long, pytest.mark.shares("the tour", seconds=170)),
    pytest.mark.timeout(1200),  # forty commands one after another: on a busy machine each takes ten seconds
]

NAMED = {command for named in RUN_ELSEWHERE.values() for command in named}
TRY_IT, DEPLOY_IT, WORK_ON_IT = "Try it: two commands, no account", "Deploy it to AWS", "Work on it"
ONE_IS_BEHIND, WAITS_FOR_A_PERSON = 3, 3
# Exit codes other than 0, as the pages announce them: by section and command.
CODES: dict[tuple[str, str], int] = {
    ("See what runs", "python -m operations status"): ONE_IS_BEHIND,
    ("See what runs", "python -m operations status --outdated --profile Regression"): ONE_IS_BEHIND,
    ("See what runs", "python -m operations status --drift --json"): ONE_IS_BEHIND,
    ("See what runs", "python -m operations status --html fleet.html"): ONE_IS_BEHIND,
    ("Roll out", "python -m operations rollout status --wait"): WAITS_FOR_A_PERSON,  # --approve
}
ANSWERS = {"python -m operations rollout start --version v2.1.0 --canary PROJECT_ID --approve": "y\n"}
# What a command is typed for, as a pattern in its output.
SAYS = {
    "make demo": r"(?s)build: merged.*build: pull-request .*: archived\n.*\$ \.venv/bin/python -m local launch NAME",
    "make install": r"Nothing to be done",
    "make reference": r"settings.schema.json is written",
    ".venv/bin/python -m local launch demo --profile regression": r"template v\S+ seeded",
    ".venv/bin/python -m local status demo": r"build +http://127\.0\.0\.1:\d+/studio-projects/demo-build",
    ".venv/bin/python -m local update demo --dry-run": r"Nothing has been written",
    ".venv/bin/python -m local terminate demo": r"demo-build is archived",
    ".venv/bin/python -m local down": r"Stopped ministack, aws, github",
    ".venv/bin/python -m operations publish": r"(?m)^  next: git add products/versions/",
    "python -m local studio create-project churn --profile regression": r"template v\S+ seeded",
    "python -m local status churn": r"git clone ",
    "python -m local studio delete-project churn": r"archived",
    "python -m operations status": r"(?m)^demo +v\S+ +v\S+ +(?:current|outdated)",
    "python -m operations plan --version v2.1.0": r"merge +unchanged",
    "python -m operations rollout start --version v2.1.0 --dry-run": r"2 to update",
    "python -m operations rollout resume": r"Rollout of v2\.1\.0 \(\S+\): running",
    "python -m operations repair": r"No launch needs repair",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = fresh_clone(tmp_path_factory.mktemp("tour") / "clone")
    yield place
    shell = Shell(place)
    try:
        for home in (".local/demo", ".local"):
            ended = shell.run(typed(f"LOCAL_HOME={home} .venv/bin/python -m local down --wipe"))
            assert ended.code == 0, ended
    finally:
        shell.close()


@pytest.fixture
def shell(clone: Path) -> Iterator[Shell]:
    opened = Shell(clone)
    yield opened
    opened.close()


def typed(text: str) -> Command:
    """Return a command that no page has."""
    return Command("a person", 0, text, "")


def of(page: str, section: str = "") -> list[Command]:
    """Return the commands of a page (or of one section) that are run here, in order."""
    found = [each for each in commands(ROOT / page) if each.plain not in NAMED]
    return [each for each in found if not section or each.section == section]


def follow(
    clone: Path, shell: Shell, lines: Sequence[Command], given: Mapping[str, str] | None = None
) -> dict[str, Told]:
    """Type each line as it stands there, with what is `given` for a placeholder; return what was told, by command."""
    told: dict[str, Told] = {}
    for line in lines:
        text = line.text
        for placeholder, value in (given or {}).items():
            text = text.replace(placeholder, value)
        if "-m local" in text:
            forget_spent_budget(Home(clone / ".local"))
        seen = shell.run(Command(line.page, line.line, text, line.section), ANSWERS.get(line.plain, ""))
        assert seen.code == CODES.get((line.section, line.plain), 0), seen
        assert "Traceback" not in seen.output + seen.errors, seen
        assert "\x1b" not in seen.output + seen.errors, f"colour outside of a terminal: {seen}"
        assert re.search(SAYS.get(line.plain, ""), seen.output + seen.errors), seen
        told[line.plain] = seen
    return told


def test_each_expectation_is_of_a_command_that_is_run() -> None:
    run = [each for page in TOURED for each in of(page)]
    assert {*ANSWERS, *SAYS} - {each.plain for each in run} == set()
    assert set(CODES) - {(each.section, each.plain) for each in run} == set()
    assert {each.section for each in of("README.md")} == {TRY_IT, DEPLOY_IT, WORK_ON_IT}, "a section that nobody runs"


def test_the_readmes_tour_after_a_demo(clone: Path, shell: Shell) -> None:
    follow(clone, shell, of("README.md", TRY_IT))
    assert git(clone, "status", "--porcelain") == "", "the tour leaves files behind that Git sees"


def test_the_page_of_studio(clone: Path, shell: Shell) -> None:
    follow(clone, shell, [typed(". .venv/bin/activate"), *of("docs/studio.md")])


def test_the_readmes_installation_and_work(clone: Path, shell: Shell) -> None:
    """In the rehearsal's run: what asks AWS asks the run of docs/studio.md."""
    published = [each for each in of("README.md", DEPLOY_IT) if each.plain.endswith("operations publish")]
    told = follow(clone, shell, [*published, *of("CONTRIBUTING.md"), *of("README.md", WORK_ON_IT)])
    [line] = re.findall(r"(?m)^  next: (git add .*)$", told[published[0].plain].output)
    follow(clone, shell, [typed(line)])
    assert git(clone, "status", "--porcelain") == "", "publish's own line commits all that publish and make wrote"
    rest = [each for each in of("README.md", DEPLOY_IT) if each not in published]
    follow(clone, shell, [typed('eval "$(.venv/bin/python -m local env)"'), *rest])


def test_the_administrators_page(clone: Path, shell: Shell) -> None:
    """With the run that its section "Rehearse" makes, and a second project, for which a rollout waits at its gate."""
    rehearsal = of("docs/admin.md", "Rehearse")
    page = [each for each in of("docs/admin.md") if each not in rehearsal]
    after = 1 + max(number for number, each in enumerate(page) if each.section == "Roll out")
    before = [". .venv/bin/activate", "python -m local studio create-project second"]
    follow(clone, shell, [*map(typed, before), *rehearsal])
    found = json.loads(shell.run(typed("python -m operations status --json")).output)["projects"]
    given = {"PROJECT_ID": found[0]["project"]}
    follow(clone, shell, page[:after], given)
    follow(clone, shell, [typed("python -m operations rollout status --wait"), *page[after:]], given)
    ended = shell.run(typed("python -m operations status"))
    assert (ended.code, "2 current" in ended.output) == (0, True), ended
    assert "QUESTIONS.md" in git(clone, "status", "--porcelain")
