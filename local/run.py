"""One local run: its processes started, its stacks deployed, its GitHub chosen; and stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from local import accounts, assembly, domain, ministack, processes, versions
from local.cloud import Cloud
from local.home import SOURCE, GitHubPlace, Home, LocalError, Process, State
from local.standins import GitHubStandIn, StandIn
from products.errors import SettingsError
from products.settings import load_settings

if TYPE_CHECKING:
    from local.assembly import Assembly
    from local.stacks import Event
    from local.terminal import Terminal
    from products.settings import Settings

ORGANIZATION = "studio-projects"
SERVICES = ("ministack", "aws", "github")


@dataclass(frozen=True)
class Run:
    """A run that is up."""

    home: Home
    state: State

    @cached_property
    def cloud(self) -> Cloud:
        """Its AWS clients."""
        return Cloud(self._process("ministack").url, self._process("aws").url)

    @property
    def github(self) -> GitHubPlace:
        """The GitHub that projects are launched on."""
        if self.state.github is None:
            raise LocalError("No GitHub is set up; run `python -m local up`.")
        return self.state.github

    @property
    def standin_github(self) -> GitHubStandIn:
        """The GitHub stand-in's controls."""
        return GitHubStandIn("GitHub stand-in", self._process("github").url)

    @property
    def standin_aws(self) -> StandIn:
        """The AWS stand-in's controls."""
        return StandIn("AWS stand-in", self._process("aws").url)

    @property
    def studio_pages(self) -> str:
        """Where Studio's projects can be looked at in a browser."""
        return f"{self._process('aws').url}/studio"

    @property
    def standin_place(self) -> GitHubPlace:
        """Where the GitHub stand-in is."""
        url = self._process("github").url
        return GitHubPlace(api_url=f"{url}/api/v3", server_url=url, organization=ORGANIZATION, stand_in=True)

    @cached_property
    def assembly(self) -> Assembly:
        """The cloud assembly that is deployed; of several accounts, that of the first one with projects."""
        deployed = assembly.Assembly(self.home.assemblies / self.state.assembly)
        places = accounts.of_projects(self.settings)
        return deployed.of(str(places[0])) if places else deployed

    @property
    def settings(self) -> Settings:
        """The settings that this run deploys."""
        return settings_of(self.home)

    @cached_property
    def project_clouds(self) -> tuple[Cloud, ...]:
        """The clients of each account and region in which projects live."""
        places = accounts.of_projects(self.settings)
        return tuple(self.cloud.at(place.account, place.region) for place in places) or (self.cloud,)

    def _process(self, name: str) -> Process:
        return self.state.processes[name]

    def token(self) -> str:
        """Return the token that the functions use, from Secrets Manager."""
        cloud = self.project_clouds[0]
        return cloud.secrets.get_secret_value(SecretId=token_secret(cloud))["SecretString"]


def settings_of(home: Home) -> Settings:
    """Return the settings that a home's run deploys. Raises LocalError where they are wrong."""
    try:
        return load_settings(home.settings if home.settings.is_file() else SOURCE / "settings.toml")
    except SettingsError as error:
        raise LocalError(str(error)) from None


def current(home: Home) -> Run | None:
    """Return the run of this home, or None when not all of its processes are there (never started, or rebooted)."""
    state = home.state()
    there = [name for name in SERVICES if name in state.processes and processes.alive(state.processes[name])]
    return Run(home, state) if there == list(SERVICES) else None


def alive(home: Home) -> dict[str, Process]:
    """Return those processes of this home that run: also of an `up` that did not end."""
    return {name: process for name, process in home.state().processes.items() if processes.alive(process)}


def required(home: Home) -> Run:
    """Return the run, or raise LocalError."""
    run = current(home)
    if run is None or not run.state.assembly:
        raise LocalError("Nothing is running; start it with `python -m local up`.")
    return run


def start(home: Home, terminal: Terminal) -> Run:
    """Return the run of this home, with its processes started. The caller holds the lock."""
    run = current(home)
    if run is not None:
        return run
    state = home.state()
    if state.processes:
        terminal.say("The last run ended without `down`; starting anew. Repositories are kept.", "yellow")
        processes.stop(state.processes.values())
    ports = {name: processes.free_port(state.ports.get(name, 0)) for name in SERVICES}
    state = State(ports=ports, processes={})
    processes.require_node(home)  # the CDK's provider framework, beside each custom resource, runs in it
    try:
        for name, command, more in _commands(home, ports):
            state.processes[name] = processes.start(name, command, ports[name], home, more)
            home.save(state)
        for name in SERVICES:
            processes.wait_until_answers(name, state.processes[name], home)
    except BaseException:
        _stop_all(home, state)
        raise
    run = Run(home, state)
    run.standin_github.make_organization(ORGANIZATION)
    return run


def _commands(home: Home, ports: dict[str, int]) -> list[tuple[str, list[str], dict[str, str]]]:
    stand_in = f"http://127.0.0.1:{ports['aws']}"
    gateway = f"http://127.0.0.1:{ports['ministack']}"
    return [
        ("ministack", ["-m", "local.ministack"], ministack.settings(home, ports["ministack"], stand_in)),
        ("aws", ["-m", "standins.aws", "--port", str(ports["aws"]), "--aws-endpoint", gateway], {}),
        ("github", ["-m", "standins.github", "--port", str(ports["github"]), "--root", str(home.github)], {}),
    ]


@dataclass(frozen=True)
class Choice:
    """The GitHub that a command wants: None is the stand-in. The token is "" for the stand-in's own, or as it is."""

    place: GitHubPlace | None = None
    token: str = field(default="", repr=False)


def up(
    home: Home,
    terminal: Terminal,
    choice: Choice | None = Choice(),
    prepare: Callable[[Home], None] | None = None,
) -> Run:
    """Start what does not run, and deploy what is not deployed.

    `choice` of None keeps the GitHub in use; `prepare` may publish versions before the stacks are synthesized.
    Raises LocalError.
    """
    if prepare is None:
        with home.lock(exclusive=False):
            run = current(home)
            if run and _as_wanted(run, choice):
                return run
    with home.lock(exclusive=True):
        versions.ensure_first(home)
        if current(home) is None:
            versions.render_newest_again(home)
        if prepare:
            prepare(home)
        terminal.step("Synthesizing the stacks")
        wanted = assembly.synthesize(home)
        run = start(home, terminal)
        if not _as_wanted(run, choice):
            _deploy_for(run, wanted, choice or Choice(run.state.github), terminal)
        return run


def _as_wanted(run: Run, choice: Choice | None) -> bool:
    """Tell whether nothing is left to do: the stacks are of this source, and for this GitHub, with this token."""
    state = run.state
    if not state.assembly or state.assembly != assembly.name(run.home):
        return False
    if choice is None:
        return True
    own_token = not choice.token and not (state.token_given and choice.place is None)
    return state.github == (choice.place or run.standin_place) and own_token


def _deploy_for(run: Run, wanted: Assembly, choice: Choice, terminal: Terminal) -> None:
    state, place = run.state, choice.place or run.standin_place
    moved = state.github != place
    if state.assembly != wanted.name or moved:
        _deploy(run, wanted, place, terminal)
        state.assembly, state.github = wanted.name, place
    if choice.token or (place.stand_in and (moved or state.token_given)):
        value = choice.token or run.standin_github.make_token()
        for cloud in run.project_clouds:
            cloud.secrets.put_secret_value(SecretId=token_secret(cloud), SecretString=value)
        state.token_given = bool(choice.token)
        forget_token(run)
    run.home.save(state)


def _deploy(run: Run, wanted: Assembly, place: GitHubPlace, terminal: Terminal) -> None:
    def listener(event: Event) -> None:
        if event.status.endswith("_FAILED"):
            terminal.say(f"  {event.resource}: {event.reason}", "red")

    parameters = {"GitHubApiUrl": place.api_url, "GitHubServerUrl": place.server_url}
    if run.settings.has_accounts:
        accounts.Deployment(run.settings, wanted, run.cloud, run.standin_aws, parameters).run(terminal)
        return
    assembly.bootstrap(run.cloud)
    terminal.step("Deploying FoundationStack (the custom resources)")
    assembly.deploy(wanted, assembly.FOUNDATION, parameters, run.cloud, listener)
    terminal.step("Deploying PortfolioStack (the product and its versions)")
    assembly.deploy(wanted, assembly.PORTFOLIO, {}, run.cloud, listener)
    if wanted.has(assembly.STUDIO):
        domain.ensure_profiles(run.home, run.cloud, run.standin_aws)
        terminal.step("Deploying StudioStack (the blueprint in the profiles)")
        declared = wanted.template(assembly.STUDIO).get("Parameters", {})
        given = {name: value for name, value in parameters.items() if name in declared}
        assembly.deploy(wanted, assembly.STUDIO, given, run.cloud, listener)


def forget_token(run: Run) -> None:
    """Restart every function: a running one keeps the token that it has read."""
    for client in [cloud.client("lambda") for cloud in run.project_clouds]:
        for function in client.list_functions()["Functions"]:
            environment = function.get("Environment", {}).get("Variables", {})
            if "GITHUB_TOKEN_SECRET" in environment:
                client.update_function_configuration(
                    FunctionName=function["FunctionName"], Environment={"Variables": environment}
                )


def token_secret(cloud: Cloud) -> str:
    """Return the name of the secret that holds the GitHub token."""
    foundation = cloud.stacks.find(assembly.FOUNDATION)
    if foundation is None:
        raise LocalError("FoundationStack is not deployed; run `python -m local up`.")
    return foundation.outputs["TokenSecret"]


def _stop_all(home: Home, state: State) -> None:
    processes.stop(state.processes.values())
    home.save(State(ports=state.ports))


def down(home: Home, wipe: bool) -> list[str]:
    """End all processes of the run; with `wipe`, remove its folder too. Returns the names of what was running.

    Raises LocalError, before anything is ended, when the folder to remove is not a run's.
    """
    if wipe and not home.own:
        raise LocalError(f"The folder {home.path} does not belong to a run; nothing was removed.")
    if not home.path.exists() or not (home.own or home.state_file.exists()):
        return []
    with home.lock(exclusive=True):
        was = list(alive(home))
        _stop_all(home, home.state())
        shutil.rmtree(home.temporary, ignore_errors=True)
        if wipe:
            # A demonstration that was kept would go on without its folder, and nobody could end it.
            processes.stop(home.demonstration.state().processes.values())
            shutil.rmtree(home.path, ignore_errors=True)
        return was
