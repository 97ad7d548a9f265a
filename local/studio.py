"""Studio projects of the local run: what a launch is given, and the whole way from a project profile.

`launch` makes a project in a domain where nothing of ours is; `studio create-project` in another, where StudioStack has
put the blueprint into the project's profile.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local import domain
from local import run as runs
from local.home import Home, LocalError
from local.ministack import ACCOUNT, REGION
from local.stacks import sentence
from products.project_setup import LAUNCH_NAME_PREFIX
from products.settings import load_settings

if TYPE_CHECKING:
    from local.run import Run
    from local.terminal import Terminal

DOMAIN_ID = "dzd-local0studio00"
_ENDS = {"SUCCESSFUL", "FAILED_VALIDATION", "FAILED_DEPLOYMENT"}
_NO_DOMAIN = {"ResourceNotFoundException", "AccessDeniedException"}  # DataZone denies a domain that does not exist
_NO_LAUNCH = {"ResourceNotFoundException", "InvalidParametersException"}
_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Project:
    """A Studio project."""

    id: str
    domain_id: str
    name: str
    profile: str


def project_id(name: str) -> str:
    """Return the id of a project's name: always the same, so that a project launched again finds its repositories."""
    digits = "abcdefghijklmnopqrstuvwxyz0123456789"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:12], "big")
    return "".join(digits[number // 36**place % 36] for place in range(13)) + "p"


def ensure_project(run: Run, name: str, profile: str) -> Project:
    """Return the Studio project of that name; create it with the profile if it does not exist. Its tooling is ready."""
    made = run.standin_aws.call(
        "POST",
        "projects",
        {
            "name": name,
            "projectId": project_id(name),
            "profile": profile,
            "domainId": DOMAIN_ID,
            "account": ACCOUNT,
            "region": REGION,
            "wait": True,
        },
    )
    return Project(made["projectId"], made["domainId"], made["projectName"], made["profileName"])


# -- what a user does -----------------------------------------------------------------------------------------------


def create_project(home: Home, name: str, profile: str, terminal: Terminal, kind: str = "") -> dict[str, Any]:
    """Create a Studio project and wait until its profile has launched the product. Raises LocalError, the reason."""
    if not domain.NAME.fullmatch(name):
        raise LocalError(f"{name!r} is not a valid project name; use up to 64 letters, digits, spaces, hyphens.")
    place = home.state().github
    domain.use_profile(home, profile, place.organization if place else runs.ORGANIZATION, kind)
    run = runs.up(home, terminal)
    datazone = run.cloud.client("datazone")
    domain_id = domain.identifier(home)
    profiles = datazone.list_project_profiles(domainIdentifier=domain_id, name=profile)["items"]
    terminal.step(f"Creating the Studio project {name} from the profile {profile}")
    with _refusals():
        made = datazone.create_project(domainIdentifier=domain_id, name=name, projectProfileId=profiles[0]["id"])
    _deployed(run, made["id"], terminal)
    done = document(run, name)
    if not done["provisioned_product"]:
        environment = load_settings(home.settings).studio.environment_name
        raise LocalError(
            f"Studio deployed the project {name} without the product: the profile {profile} has no environment "
            f"{environment!r}; delete the project and use a profile with it."
        )
    return done


def update_project(run: Run, name: str, version: str, terminal: Terminal) -> dict[str, Any]:
    """Update a project to a version and wait. Raises LocalError with the reason."""
    version = version or list(run.assembly.product_templates())[-1]
    project, datazone = _project(run, name), run.cloud.client("datazone")
    environment = load_settings(run.home.settings).studio.environment_name
    terminal.step(f"Updating the Studio project {name} to {version}")
    with _refusals():
        datazone.update_project(
            domainIdentifier=project["domainId"],
            identifier=project["id"],
            projectProfileVersion="latest",
            userParameters=[
                {
                    "environmentConfigurationName": environment,
                    "environmentParameters": [{"name": "ProductVersion", "value": version}],
                }
            ],
        )
    _deployed(run, project["id"], terminal)
    return document(run, name)


def delete_project(run: Run, name: str, terminal: Terminal) -> dict[str, Any]:
    """Delete a project and wait; the product is terminated with it. Raises LocalError with the reason."""
    before = document(run, name)
    terminal.step(f"Deleting the Studio project {name}")
    datazone = run.cloud.client("datazone")
    with _refusals():
        datazone.delete_project(domainIdentifier=before["domain_id"], identifier=before["project_id"])
    while True:
        found = _find(run, name)
        if found is None:
            break
        if found["projectStatus"] == "DELETE_FAILED":
            reasons = "; ".join(sentence(reason["message"]) for reason in found.get("failureReasons", []))
            raise LocalError(f"Studio could not delete the project {name}: {reasons}")
        time.sleep(_POLL_SECONDS)
    archived = {}
    if run.github.stand_in:
        archived = run.standin_github.archived(item["url"] for item in before["repositories"].values())
    return {**before, "status": "DELETED", "repositories": archived}


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise LocalError(f"Studio refused the request: {error.response['Error'].get('Message', error)}") from None


def _find(run: Run, name: str) -> dict[str, Any] | None:
    datazone, domain_id = run.cloud.client("datazone"), domain.identifier(run.home)
    if not domain_id:
        return None
    try:
        found = datazone.list_projects(domainIdentifier=domain_id, name=name)["items"]
        return dict(datazone.get_project(domainIdentifier=domain_id, identifier=found[0]["id"])) if found else None
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_DOMAIN:
            return None
        raise


def _project(run: Run, name: str) -> dict[str, Any]:
    found = _find(run, name)
    if found is None:
        raise LocalError(f"There is no Studio project {name}; create it with `studio create-project {name}`.")
    return found


def require_project(run: Run, name: str) -> None:
    """Raise LocalError unless there is a Studio project of that name."""
    _project(run, name)


def _deployed(run: Run, project: str, terminal: Terminal) -> None:
    """Wait until Studio has deployed the project; say each environment's state as it changes."""
    datazone, said, domain_id = run.cloud.client("datazone"), set[tuple[str, str]](), domain.identifier(run.home)
    while True:
        found = datazone.get_project(domainIdentifier=domain_id, identifier=project)
        for item in datazone.list_environments(domainIdentifier=domain_id, projectIdentifier=project)["items"]:
            if (item["name"], item["status"]) not in said:
                said.add((item["name"], item["status"]))
                terminal.say(f"  {item['name']:<24} {item['status']}")
        details = found.get("environmentDeploymentDetails", {})
        if found["projectStatus"] != "UPDATING" and details.get("overallDeploymentStatus") in _ENDS:
            break
        time.sleep(_POLL_SECONDS)
    if details["overallDeploymentStatus"] != "SUCCESSFUL":
        failed = details["environmentFailureReasons"].values()
        reasons = [sentence(reason["message"]) for each in failed for reason in each]
        raise LocalError(f"Studio could not deploy the project {found['name']}: {'; '.join(reasons)}")


def names(run: Run) -> list[str]:
    """Return the names of the Studio projects that `create-project` made."""
    datazone, domain_id = run.cloud.client("datazone"), domain.identifier(run.home)
    if not domain_id:
        return []
    try:
        return [project["name"] for project in datazone.list_projects(domainIdentifier=domain_id)["items"]]
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_DOMAIN:
            return []
        raise


def stack_name(run: Run, name: str) -> str:
    """Return the name of the stack in which a Studio project's product was launched; "" when there is none."""
    found = _find(run, name)
    launch = _launch(run, found["id"]) if found else {}
    return f"SC-{ACCOUNT}-{launch['Id']}" if launch else ""


def _launch(run: Run, project: str) -> dict[str, Any]:
    """Return the provisioned product of a project; {} when there is none."""
    catalog = run.cloud.client("servicecatalog")
    try:
        found = catalog.describe_provisioned_product(Name=f"{LAUNCH_NAME_PREFIX}{project}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_LAUNCH:
            raise
        return {}
    return dict(found["ProvisionedProductDetail"])


def _outputs(run: Run, launch: str) -> dict[str, str]:
    """Return the outputs of a provisioned product; {} when it has none yet."""
    catalog, outputs, more = run.cloud.client("servicecatalog"), dict[str, str](), dict[str, str]()
    try:
        while True:
            page = catalog.get_provisioned_product_outputs(ProvisionedProductId=launch, PageSize=20, **more)
            outputs |= {item["OutputKey"]: item["OutputValue"] for item in page["Outputs"]}
            if not page.get("NextPageToken"):
                return outputs
            more = {"PageToken": page["NextPageToken"]}
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_LAUNCH:
            raise
        return {}


def document(run: Run, name: str) -> dict[str, Any]:
    """Return what `--json` prints of a Studio project."""
    project = _project(run, name)
    launch = _launch(run, project["id"])
    outputs = _outputs(run, launch["Id"]) if launch else {}
    return {
        "name": name,
        "project_id": project["id"],
        "domain_id": project["domainId"],
        "status": project["environmentDeploymentDetails"]["overallDeploymentStatus"],
        "provisioned_product": launch.get("Id", ""),
        "version": outputs.get("BuildTemplateVersion", ""),
        "repositories": {part.lower(): repository_in(outputs, part) for part in ("Build", "Deploy")},
        "outputs": outputs,
    }


def repository_in(outputs: Mapping[str, str], part: str) -> dict[str, str]:
    """Return what the outputs of a launch say of one of its repositories (Build or Deploy)."""
    return {
        "name": outputs.get(f"{part}RepositoryName", ""),
        "url": outputs.get(f"{part}RepositoryUrl", ""),
        "id": outputs.get(f"{part}RepositoryId", ""),
        "commit": outputs.get(f"{part}Commit", ""),
        "template_version": outputs.get(f"{part}TemplateVersion", ""),
        "status": outputs.get(f"{part}TemplateStatus", ""),
        "pull_request": outputs.get(f"{part}PullRequestUrl", ""),
    }


def summary(run: Run, name: str) -> dict[str, str]:
    """Return one line of a list of projects."""
    found = document(run, name)
    return {key: found[key] for key in ("name", "status", "project_id", "version")}
