"""Which role and location a launch gets: those of its request, as far as its caller is trusted (docs/decisions/0056).

Pure. A role becomes one that workflows may pass to SageMaker, and a location one that they may write to: nothing is
taken that is not of the stack's account, and of the domain and project that the launch is for.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from custom_resources.caller import Caller, Installation, is_another_projects, is_role_here
from custom_resources.errors import (
    LocationRefused,
    LocationUnknown,
    RoleElsewhere,
    RoleNotListed,
    RoleRefused,
    RoleUnknown,
)

# How far what a launch tells of role and location is believed:
# Studio: it is so. Kept: it was accepted by an earlier request of this stack. Administrator: where nobody tells
# otherwise. Nothing: it may only repeat what SageMaker or Studio tells.
Belief = Literal["studio", "kept", "administrator", "nothing"]
_BY_CALLER: dict[Caller, Belief] = {"blueprint": "studio", "administrator": "administrator"}
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# No *, ? or $: they mean something in an IAM policy.
_LOCATION = re.compile(rf"s3://(?P<bucket>{_BUCKET})(?P<path>(/[A-Za-z0-9!_.'()=+@-]+)*)/?", re.ASCII)
_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::", re.ASCII)


def belief_at_create(caller: Caller) -> Belief:
    """Return how far a launch is believed when it is created."""
    return _BY_CALLER.get(caller, "nothing")


def seal(*told: str) -> str:
    """Return a digest of the values that a stack was given and accepted; requests with the same values keep it."""
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:32]


def execution_role(
    given: str, known: tuple[str, ...], belief: Belief, *, project_id: str, stack_id: str, installation: Installation
) -> str:
    """Return the ARN of the role that pipelines run as.

    `known`: what Studio and SageMaker tell, best first; a role of another account or of another project is nothing that
    they could mean (docs/decisions/0098). Raises RoleUnknown, RoleRefused.
    """
    here = [role for role in known if is_role_here(role, stack_id) and not is_another_projects(role, project_id)]
    if not given:
        if not here:
            raise RoleUnknown(project=project_id)
        return here[0]
    if not is_role_here(given, stack_id):
        raise RoleElsewhere(role=given)
    if given in here or belief in ("studio", "kept"):
        return given
    if here:
        raise RoleRefused(role=given, project=project_id, allowed=here[0])
    if belief != "administrator":
        raise RoleUnknown(project=project_id)
    if not installation.may_run_pipelines(given, project_id):
        raise RoleNotListed(role=given, project=project_id)
    return given


def artifact_location(given: str, known: str, belief: Belief, *, domain_id: str, project_id: str, scope: str) -> str:
    """Return the S3 location of the project's files, without a slash at its end.

    `given` may be a bucket alone, as Studio fills it in: files are then where Studio puts a project's, below domain
    and project (docs/studio.md, A23). Raises LocationUnknown, LocationRefused.
    """
    owner = f"/{domain_id}/{project_id}/"
    found = _parsed(known)
    if found and owner not in f"{found[1]}/":
        found = None
    told = _parsed(_BUCKET_ARN.sub("s3://", given))
    if told and not told[1]:
        told = told[0], f"{owner}{scope}"
    if given and not told and belief not in ("studio", "kept"):
        raise LocationRefused(location=given, project=project_id)
    if told is None:
        return _chosen(found, project_id)
    if belief in ("studio", "kept"):
        return _chosen(found if found and found[0] == told[0] else told, project_id)
    if owner not in f"{told[1]}/" or (found and found[0] != told[0]):
        raise LocationRefused(location=given, project=project_id)
    return _chosen(told if belief == "administrator" and not found else found, project_id)


def _parsed(location: str) -> tuple[str, str] | None:
    """Return a location's bucket and its path, which begins with a slash or is ""."""
    found = _LOCATION.fullmatch(location)
    if not found or {".", ".."} & set(found["path"].split("/")):
        return None
    return found["bucket"], found["path"]


def _chosen(location: tuple[str, str] | None, project_id: str) -> str:
    if location is None:
        raise LocationUnknown(project=project_id)
    return f"s3://{location[0]}{location[1]}"
