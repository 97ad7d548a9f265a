"""GitHub Actions: secrets (really unsealed), variables, and workflows started by hand."""

from __future__ import annotations

import base64
import binascii
import re

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from standins.github.access import Need
from standins.github.messages import ApiError, Json, Response, invalid, not_found
from standins.github.model import Dispatch, Repository, Secret, Variable, now
from standins.github.rest.router import Call, route
from standins.github.workflows import refuse_dispatch

_SECRETS = Need("secrets", role="write")
_WRITE_SECRETS = Need("secrets", write=True, role="write")
_VARIABLES = Need("actions_variables", role="write")
_WRITE_VARIABLES = Need("actions_variables", write=True, role="write")
_RUN = Need("actions", write=True, role="write")
_PATH_SECRETS = "/repos/{owner}/{repo}/actions/secrets"
_PATH_VARIABLES = "/repos/{owner}/{repo}/actions/variables"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LARGEST = 48 * 1024
_MOST_SECRETS, _MOST_VARIABLES = 100, 500


def _key(call: Call) -> PrivateKey:
    """Return the repository's own key pair, made when it is first asked for."""
    it = call.store.by_id(call.repository.id) or call.repository  # not a replica's, which would forget it
    with call.store.locked(it):
        if not it.private_key:
            it.private_key = base64.b64encode(bytes(PrivateKey.generate())).decode()
            call.store.save(it)
    return PrivateKey(base64.b64decode(it.private_key))


def _key_id(repository: Repository) -> str:
    return str(568250167242549743 + repository.id)


def _name(name: str, kind: str) -> str:
    """Return the name as GitHub keeps it, in capitals. Raises ApiError 422."""
    if not _NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        raise ApiError(
            422,
            f"{kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces "
            "are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_). Must not start with GITHUB_.",
        )
    return name.upper()


@route("GET", _PATH_SECRETS + "/public-key", "actions/secrets#get-a-repository-public-key", _SECRETS)
def get_public_key(call: Call) -> Response:
    """Return the key to seal secrets with."""
    key = base64.b64encode(bytes(_key(call).public_key)).decode()
    return Response.json(200, {"key_id": _key_id(call.repository), "key": key})


@route("GET", _PATH_SECRETS, "actions/secrets#list-repository-secrets", _SECRETS)
def list_secrets(call: Call) -> Response:
    """Return the names, never the values."""
    secrets = sorted(call.repository.secrets.items())
    items, headers = call.page([_secret(name, secret) for name, secret in secrets])
    return Response.json(200, {"total_count": len(secrets), "secrets": items}, headers)


def _secret(name: str, secret: Secret) -> Json:
    return {"name": name, "created_at": secret.created_at, "updated_at": secret.updated_at}


@route(
    "PUT",
    _PATH_SECRETS + "/{secret_name}",
    "actions/secrets#create-or-update-a-repository-secret",
    _WRITE_SECRETS,
)
def put_secret(call: Call) -> Response:
    """Unseal a secret and keep it."""
    it, name = call.repository, _name(call.parameters["secret_name"], "Secret")
    if call.required("key_id", str) != _key_id(it):
        raise ApiError(422, "The key_id does not match the repository's public key")
    try:
        sealed = base64.b64decode(call.required("encrypted_value", str), validate=True)
        value = SealedBox(_key(call)).decrypt(sealed).decode()
    except (binascii.Error, CryptoError, UnicodeDecodeError, ValueError):
        raise ApiError(422, "Bad request - Improperly encrypted secret") from None
    if len(value.encode()) > _LARGEST:
        raise ApiError(422, "Secret value is too large: the limit is 48 KB")
    old = it.secrets.get(name)
    if old is None and len(it.secrets) >= _MOST_SECRETS:
        raise ApiError(422, f"Secret limit of {_MOST_SECRETS} reached")
    it.secrets[name] = Secret(value=value, created_at=old.created_at if old else now())
    return Response.empty() if old else Response.json(201, {})


@route(
    "DELETE",
    _PATH_SECRETS + "/{secret_name}",
    "actions/secrets#delete-a-repository-secret",
    _WRITE_SECRETS,
)
def delete_secret(call: Call) -> Response:
    """Forget a secret."""
    if call.repository.secrets.pop(call.parameters["secret_name"].upper(), None) is None:
        raise not_found()
    return Response.empty()


@route("GET", _PATH_VARIABLES, "actions/variables#list-repository-variables", _VARIABLES)
def list_variables(call: Call) -> Response:
    """Return the variables."""
    variables = [call.repository.variables[name].model_dump() for name in sorted(call.repository.variables)]
    items, headers = call.page(variables)
    return Response.json(200, {"total_count": len(variables), "variables": items}, headers)


@route(
    "POST",
    _PATH_VARIABLES,
    "actions/variables#create-a-repository-variable",
    _WRITE_VARIABLES,
)
def create_variable(call: Call) -> Response:
    """Make a variable; 409 when there is one of the name."""
    it, name = call.repository, _name(call.required("name", str), "Variable")
    value = call.required("value", str)
    if name in it.variables:
        raise ApiError(409, "Already exists - Variable already exists")
    _refuse_size(value)
    if len(it.variables) >= _MOST_VARIABLES:
        raise invalid("Validation Failed", resource="Variable", code="invalid", field="value")
    it.variables[name] = Variable(name=name, value=value)
    return Response.json(201, {})


def _refuse_size(value: str) -> None:
    if len(value.encode()) > _LARGEST:
        raise invalid("Validation Failed", resource="Variable", code="invalid", field="value")


def _variable(call: Call) -> Variable:
    variable = call.repository.variables.get(call.parameters["name"].upper())
    if variable is None:
        raise not_found()
    return variable


@route("GET", _PATH_VARIABLES + "/{name}", "actions/variables#get-a-repository-variable", _VARIABLES)
def get_variable(call: Call) -> Response:
    """Return a variable."""
    return Response.json(200, _variable(call).model_dump())


@route(
    "PATCH",
    _PATH_VARIABLES + "/{name}",
    "actions/variables#update-a-repository-variable",
    _WRITE_VARIABLES,
)
def update_variable(call: Call) -> Response:
    """Change a variable's value or name."""
    variable = _variable(call)
    variables, value = call.repository.variables, call.value("value", str)
    name = _name(call.value("name", str) or variable.name, "Variable")
    _refuse_size(value or "")
    if name != variable.name:
        if name in variables:
            raise ApiError(409, "Already exists - Variable already exists")
        del variables[variable.name]
        variable.name = name
        variables[name] = variable
    variable.value = variable.value if value is None else value
    variable.updated_at = now()
    return Response.empty()


@route(
    "DELETE",
    _PATH_VARIABLES + "/{name}",
    "actions/variables#delete-a-repository-variable",
    _WRITE_VARIABLES,
)
def delete_variable(call: Call) -> Response:
    """Forget a variable."""
    del call.repository.variables[_variable(call).name]
    return Response.empty()


@route(
    "POST",
    "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
    "actions/workflows#create-a-workflow-dispatch-event",
    _RUN,
    creates=True,
)
def dispatch_workflow(call: Call) -> Response:
    """Record that a workflow was started (nothing runs here). It must exist at the ref and have the trigger."""
    it, bare = call.repository, call.bare
    ref = str(call.required("ref", str)).removeprefix("refs/heads/").removeprefix("refs/tags/")
    inputs = call.value("inputs", dict, default={}) or {}
    name = call.parameters["workflow_id"]
    on_default = bare.entries(f"refs/heads/{it.default_branch}", f".github/workflows/{name}")
    if not on_default:
        raise not_found()
    commit = bare.commit(f"refs/heads/{ref}") or bare.commit(f"refs/tags/{ref}")
    if commit is None:
        raise ApiError(422, f"No ref found for: {ref}")
    entries = bare.entries(commit.tree, f".github/workflows/{name}")
    text = bare.blob(entries[0].sha).decode("utf-8", "replace") if entries else ""
    refuse_dispatch(text, inputs)
    it.dispatches.append(Dispatch(workflow=name, ref=ref, inputs=inputs))
    return Response.empty()
