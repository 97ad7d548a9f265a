"""With --as-owner: a blueprint, a disabled profile and a domain unit of our own, made to be looked at and deleted.

Only owners of the domain unit may make them. The profile is granted within that empty domain unit alone, and no project
can have either.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from custom_resources.clients.aws import DATAZONE
from custom_resources.errors import AwsConflict, AwsNotFound, AwsRefused, FinalError
from operations.prove.changes import NAME_PREFIX
from operations.prove.facts import Scratch
from operations.prove.looking import Proof

_EVERYBODY: dict[str, Any] = {"user": {"allUsersGrantFilter": {}}}
_DETAIL = "createProjectFromProjectProfile"


def scratch(proof: Proof) -> None:
    """See how DataZone takes what StudioStack's functions send; what was made is deleted, whatever happens."""
    installed = proof.facts.installed
    if not proof.state.as_owner or not installed or not installed.blueprint_id:
        return
    remove(proof)  # what an earlier run left
    found = proof.facts.scratch = Scratch()
    try:
        with proof.aws.about("A26", "A17"):
            blueprint = _blueprint(proof, installed.blueprint_id, found)
        if blueprint:
            with proof.aws.about("A05"):
                found.configuration = _configuration(proof, installed.provisioning_role, blueprint)
        with proof.aws.about("A06"):
            found.sent_back = _sent_back(proof, installed.profile_id)
        with proof.aws.about("A07"):
            found.second_grant = _second_grant(proof, installed.profile_id)
    finally:
        remove(proof)


def _name(proof: Proof) -> str:
    return f"{NAME_PREFIX}{proof.state.run}"


def _in_domain(proof: Proof, **more: Any) -> dict[str, Any]:
    return {"domainIdentifier": proof.state.domain, **more}


def _blueprint(proof: Proof, ours: str, found: Scratch) -> str:
    """Register a copy of our blueprint under another name; return its id, "" if DataZone refuses what it is made of."""
    original = proof.aws.ask(DATAZONE, "get_environment_blueprint", **_in_domain(proof, identifier=ours))
    try:
        made = proof.aws.ask(
            DATAZONE,
            "create_environment_blueprint",
            **_in_domain(
                proof,
                name=_name(proof),
                provisioningProperties=original["provisioningProperties"],
                userParameters=original.get("userParameters", []),
            ),
        )
    except AwsRefused as refused:
        found.blueprint_refused = str(refused)
        return ""
    found.blueprint_taken = True
    return str(made["id"])


def _configuration(proof: Proof, role: str, blueprint: str) -> str:
    """Configure the blueprint and delete it; return what became of the configuration: gone, there, or why not."""
    of_blueprint = _in_domain(proof, environmentBlueprintIdentifier=blueprint)
    proof.aws.ask(
        DATAZONE,
        "put_environment_blueprint_configuration",
        **of_blueprint,
        provisioningRoleArn=role,
        enabledRegions=[proof.facts.region],
    )
    try:
        proof.aws.ask(DATAZONE, "delete_environment_blueprint", **_in_domain(proof, identifier=blueprint))
        proof.aws.ask(DATAZONE, "get_environment_blueprint_configuration", **of_blueprint)
    except AwsNotFound:
        return "gone"
    except AwsConflict as refused:
        return str(refused)
    return "there"


def _sent_back(proof: Proof, profile: str) -> str:
    """Make a copy of the profile, read it and send its environments back; return "kept", or why not."""
    original = proof.aws.ask(DATAZONE, "get_project_profile", **_in_domain(proof, identifier=profile))
    made = proof.aws.ask(
        DATAZONE,
        "create_project_profile",
        **_in_domain(
            proof,
            name=_name(proof),
            status="DISABLED",
            environmentConfigurations=[
                _settable(item, without="id") for item in original.get("environmentConfigurations", [])
            ],
        ),
    )
    read = proof.aws.ask(DATAZONE, "get_project_profile", **_in_domain(proof, identifier=made["id"]))
    before = [_settable(item) for item in read.get("environmentConfigurations", [])]
    try:
        proof.aws.ask(
            DATAZONE,
            "update_project_profile",
            **_in_domain(proof, identifier=made["id"], environmentConfigurations=before),
        )
    except AwsRefused as refused:
        return str(refused)
    read = proof.aws.ask(DATAZONE, "get_project_profile", **_in_domain(proof, identifier=made["id"]))
    after = [_settable(item) for item in read.get("environmentConfigurations", [])]
    return "kept" if before == after else "DataZone took them, and shows others"


def _second_grant(proof: Proof, profile: str) -> str:
    """Grant two profiles to the same principal in a domain unit that nobody uses; return what became of the first."""
    root = proof.aws.ask(DATAZONE, "get_domain", identifier=proof.state.domain)["rootDomainUnitId"]
    unit = proof.aws.ask(
        DATAZONE, "create_domain_unit", **_in_domain(proof, name=_name(proof), parentDomainUnitIdentifier=root)
    )["id"]
    ours = _profile_named(proof, _name(proof))
    try:
        _grant(proof, unit, profile)
        try:
            _grant(proof, unit, ours)
        except AwsConflict:
            return "conflict"
        granted = {each for item in _grants(proof, unit) for each in _profiles_of(item)}
        return "beside the first" if granted >= {profile, ours} else "in place of the first"
    finally:
        _remove_unit(proof, unit)


def _grant(proof: Proof, unit: str, profile: str) -> None:
    proof.aws.ask(
        DATAZONE,
        "add_policy_grant",
        **_in_domain(proof, **_of_unit(unit)),
        principal=_EVERYBODY,
        detail={_DETAIL: {"includeChildDomainUnits": False, "projectProfiles": [profile]}},
    )


def _of_unit(unit: str) -> dict[str, str]:
    return {
        "entityType": "DOMAIN_UNIT",
        "entityIdentifier": unit,
        "policyType": "CREATE_PROJECT_FROM_PROJECT_PROFILE",
    }


def _grants(proof: Proof, unit: str) -> list[dict[str, Any]]:
    return proof.aws.pages(DATAZONE, "list_policy_grants", "grantList", **_in_domain(proof, **_of_unit(unit)))


def _profiles_of(grant: dict[str, Any]) -> list[str]:
    return list(grant["detail"].get(_DETAIL, {}).get("projectProfiles", []))


def _profile_named(proof: Proof, name: str) -> str:
    listed = proof.aws.pages(DATAZONE, "list_project_profiles", "items", **_in_domain(proof, name=name))
    return next(str(item["id"]) for item in listed if item["name"] == name)


def _remove_unit(proof: Proof, unit: str) -> None:
    """Delete the domain unit and its grants, as far as they are there. Raises nothing."""
    with suppress(FinalError):
        for item in _grants(proof, unit):
            more = {"grantIdentifier": item["grantId"]} if item.get("grantId") else {}
            with suppress(FinalError):
                proof.aws.ask(
                    DATAZONE,
                    "remove_policy_grant",
                    **_in_domain(proof, **_of_unit(unit), **more),
                    principal=item["principal"],
                )
    with suppress(FinalError):
        proof.aws.ask(DATAZONE, "delete_domain_unit", **_in_domain(proof, identifier=unit))


def _settable(environment: dict[str, Any], without: str = "") -> dict[str, Any]:
    """Return an environment configuration as StudioStack's function sends it back."""
    kept = {key: value for key, value in environment.items() if key != without}
    if "configurationParameters" in kept:
        given = kept["configurationParameters"].items()
        kept["configurationParameters"] = {key: value for key, value in given if key != "resolvedParameters"}
    return kept


def remove(proof: Proof) -> None:
    """Delete what was made, as far as it is there. Raises nothing: what stays has the run's name."""
    name, of_domain = _name(proof), _in_domain(proof)
    with suppress(FinalError):
        listed = proof.aws.pages(
            DATAZONE, "list_environment_blueprints", "items", **of_domain, name=name, managed=False
        )
        for item in listed:
            of_blueprint = {**of_domain, "environmentBlueprintIdentifier": item["id"]}
            with suppress(FinalError):
                proof.aws.ask(DATAZONE, "delete_environment_blueprint_configuration", **of_blueprint)
            proof.aws.ask(DATAZONE, "delete_environment_blueprint", **of_domain, identifier=item["id"])
    with suppress(FinalError):
        root = proof.aws.ask(DATAZONE, "get_domain", identifier=proof.state.domain)["rootDomainUnitId"]
        units = proof.aws.pages(
            DATAZONE, "list_domain_units_for_parent", "items", **of_domain, parentDomainUnitIdentifier=root
        )
        for item in units:
            if item["name"] == name:
                _remove_unit(proof, item["id"])
    with suppress(FinalError):
        for item in proof.aws.pages(DATAZONE, "list_project_profiles", "items", **of_domain, name=name):
            proof.aws.ask(DATAZONE, "delete_project_profile", **of_domain, identifier=item["id"])
