"""Pages of SageMaker Unified Studio: the domains' projects, and their environments with their state and reason."""

from __future__ import annotations

from urllib.parse import quote, unquote

from markupsafe import Markup

from standins import markup
from standins.aws.calls import Record
from standins.aws.datazone.environment_values import environments_of
from standins.aws.datazone.model import Domain, Domains
from standins.markup import joined, link, paragraph, section, table

START = "/studio"
_HOSTS = ("127.0.0.1", "localhost")


def serve(domains: Domains, path: str) -> tuple[int, bytes]:
    """Answer a request for a page: the status and the page. The first address is this machine's alone."""
    parts = [unquote(part) for part in path.removeprefix(START).strip("/").split("/")]
    with domains.lock:
        if parts == [""]:
            return 200, _page("SageMaker Unified Studio", _projects(domains))
        domain = domains.get(parts[0])
        project = domain.projects.get(parts[1]) if domain and len(parts) == 2 else None
        if domain and project:
            return 200, _page(f"Project {project['name']}", _project(domain, project))
    return 404, _page("Not found", paragraph("There is nothing here."))


def is_of_this_machine(host: str) -> bool:
    """Tell whether a page was asked for by a name of this machine, so by no page of another site."""
    return host.partition(":")[0] in _HOSTS


def _page(title: str, body: Markup) -> bytes:
    return markup.page(title, body, [(START, "All projects")])


def _projects(domains: Domains) -> Markup:
    """Return the projects of each domain."""
    return joined(
        section(
            f"Domain {domain.record['name']}",
            paragraph(f"{domain.id}, account {domain.account}, {domain.region}"),
            table(
                "Projects",
                ("Project", "State", "Deployment", "Profile", "Created"),
                (_line(domain, project) for project in list(domain.projects.values())),
                "There is no project yet.",
            ),
        )
        for domain in list(domains.values())
    ) or paragraph("There is no domain yet.")


def _line(domain: Domain, project: Record) -> tuple[str | Markup, ...]:
    return (
        link(f"{START}/{quote(domain.id)}/{quote(project['id'])}", project["name"]),
        project["projectStatus"],
        project["environmentDeploymentDetails"]["overallDeploymentStatus"],
        _profile(domain, project),
        str(project["createdAt"]),
    )


def _profile(domain: Domain, project: Record) -> str:
    found = domain.profiles.get(project.get("projectProfileId") or "", {})
    return str(found.get("name", ""))


def _project(domain: Domain, project: Record) -> Markup:
    details = project["environmentDeploymentDetails"]
    reasons = [each["message"] for each in project.get("failureReasons", [])]
    reasons += [each["message"] for some in details["environmentFailureReasons"].values() for each in some]
    rows = [
        ("Id", project["id"]),
        ("Domain", domain.id),
        ("Profile", _profile(domain, project)),
        ("State", project["projectStatus"]),
        ("Deployment", details["overallDeploymentStatus"]),
        *(("Why", _bad(reason)) for reason in reasons),
    ]
    environments = environments_of(domain, project)
    return joined(
        [
            table("About the project", ("What", "Value"), rows, ""),
            section(
                "Environments",
                table(
                    "In the order in which they are deployed",
                    ("Environment", "State", "Account and region", "Last deployment", "Why"),
                    (_environment(each) for each in environments),
                    "There is none yet.",
                ),
            ),
            *(_resources(each) for each in environments if each["provisionedResources"]),
        ]
    )


def _environment(environment: Record) -> tuple[str | Markup, ...]:
    deployment = environment["lastDeployment"]
    reason = deployment.get("failureReason", {}).get("message", "")
    return (
        environment["name"],
        environment["status"],
        f"{environment['awsAccountId']}, {environment['awsAccountRegion']}",
        f"{deployment['deploymentType']} {deployment['deploymentStatus']}",
        _bad(reason) if reason else "",
    )


def _resources(environment: Record) -> Markup:
    rows = (
        (each["name"], link(each["value"], each["value"]) if _is_address(each["value"]) else each["value"])
        for each in environment["provisionedResources"]
    )
    return section(f"What {environment['name']} has", table("Resources", ("Name", "Value"), rows, "Nothing."))


def _is_address(value: str) -> bool:
    return value.startswith(("http://", "https://"))


def _bad(reason: str) -> Markup:
    return Markup('<span class="bad">{}</span>').format(reason)
