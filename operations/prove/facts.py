"""What is collected of an account, and what is remembered between runs: ids, names and statuses, never a secret."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operations.errors import ProveStateUnreadable

STATE_FILE = "state.json"
_ALIKE = 4


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Call(_Document):
    """One request to AWS, as evidence: which it was, its id, how it ended, and which assumptions it is about."""

    service: str
    operation: str
    request_id: str
    status: int
    code: str = ""
    about: tuple[str, ...] = ()


class Installed(_Document):
    """The blueprint and the profile, as the domain has them."""

    profile_id: str = ""
    profile_parameters: dict[str, str] = {}
    fixed: list[str] = []  # parameters that the profile does not let people change
    beside: list[str] = []  # the profile's other environments
    blueprint_id: str = ""
    blueprint_parameters: dict[str, str] = {}
    provisioning_role: str = ""
    owners: str = ""  # doctor's answer: ok, problem, unknown
    stack_status: str = ""  # StudioStack's
    failures: list[str] = []  # reasons in StudioStack's events since it was last deployed as it should be
    ever_failed: list[str] = []  # reasons in all of them
    state_machine: str = ""
    cut_off: dict[str, str] = {}  # creations that CloudFormation cut off: under which id each was deleted


class Scratch(_Document):
    """What DataZone made of a blueprint and a profile that were made to be looked at (--as-owner)."""

    blueprint_taken: bool = False
    blueprint_refused: str = ""
    configuration: str = ""  # after its blueprint was deleted: gone, there, or why the blueprint could not be
    sent_back: str = ""  # the profile's environments: kept, or why not
    second_grant: str = ""  # for the same principal: beside the first, conflict, in place of the first


class Environment(_Document):
    """Our environment of the project, and its stack."""

    id: str
    status: str
    parameters: dict[str, str] = {}
    outputs: dict[str, str] = {}
    stack_status: str = ""


class Launch(_Document):
    """The provisioned product."""

    id: str
    status: str
    message: str = ""
    stack: str = ""
    principal: str = ""  # Service Catalog's tag on the stack
    session: str = ""  # UserArnSession of the search
    found_by_id: bool = False
    tags: dict[str, str] = {}


class Workspace(_Document):
    """The project's SageMaker domain."""

    named_by: str = ""  # settings, tags, or "" where no domain names the project
    status: str = ""
    location: str = ""


class Told(_Document):
    """What DataZone permits to the function studio-project about the project, or why that is not known."""

    failure: str = ""
    permitted: dict[str, bool] = Field(default_factory=dict)  # by operation


class ByHand(_Document):
    """An update by the role of --launch-role."""

    refused: str = ""  # why it could not be made
    value: str = ""  # what the parameter was changed to
    principal_before: str = ""
    principal_after: str = ""
    parameter_kept: bool | None = None  # after Studio's next update


class Update(_Document):
    """UpdateProject to another version."""

    wanted: str
    before: str
    after: str
    status: str
    reasons: list[str] = []


class Going(_Document):
    """What AWS returned about the launch while it was being changed."""

    looks: int = 0  # of the search that found it so
    unnamed: int = 0  # of these, without UserArn and UserArnSession
    strangers: list[str] = []  # what PhysicalId named in place of the launch's stack
    listed: int = 0  # resources that events and DescribeStackResources told alike
    late: list[str] = []  # those that the latter did not tell, or told as before the running operation


class Ending(_Document):
    """What GetProject told of the project while it was deleted, and tells the function studio-project afterwards."""

    status: str = ""
    after: str = ""  # not found, denied, answered, or why that is not known


class Waiters(_Document):
    """FoundationStack's state machines and the key that they are encrypted with."""

    key: str = ""  # its resource's status
    machines: dict[str, str] = {}  # by logical id, the status
    refused: str = ""  # the reason of an event that names kms:Decrypt


class Connected(_Document):
    """The repository of the project's Git connection, and what there is to compare it with."""

    repository: str  # OWNER/NAME
    provider: str  # CodeConnections': GitHub, GitLab, ...
    organization: str  # in which projects get their repositories
    on_github_com: bool  # the GitHub of the settings


class Workflows(_Document):
    """What the project's workflows have left in the account: its pipeline, and what they deployed."""

    pipeline: str = ""
    created_by: str = ""  # the identity that created the pipeline
    bucket_key: str = ""  # the KMS key that the project's bucket encrypts with by default
    execution: str = ""
    execution_tagged: bool = False  # with the project's tag
    steps: int = 0  # that made a job
    step_refused: str = ""  # the reason of a step that names sagemaker:AddTags
    deployed: list[str] = []  # types of resources in the project's stacks
    deploy_refused: str = ""  # the reason of an event that names sagemaker:AddTags


class Recorded(_Document):
    """What CloudTrail recorded of the project's workflows and their roles."""

    assumed: bool = False  # a job has assumed a role
    not_assumed: str = ""  # why a job was denied that
    key_denied: str = ""  # why a role was denied the domain's key
    tagging_denied: str = ""  # why a role was denied a creation with tags


class Facts(_Document):
    """Everything that was seen; what is None was not."""

    account: str = ""
    region: str = ""
    kind: str = ""  # the domain's single sign-on
    domain_key: str = ""  # the domain's own KMS key
    absent_domain: str = ""  # how DataZone answers for a domain that nobody has: denied, not found
    listed: bool | None = None  # ListDomains shows the domain
    grants_files: bool = False  # [workflow_role] grant_execution_role_files
    installed: Installed | None = None
    scratch: Scratch | None = None
    versions: list[str] = []
    chosen: str = ""  # the version that the project was made with
    deployment: str = ""  # the project's status when it came to rest
    reasons: list[str] = []  # Studio's, for a deployment that failed
    stacks: dict[str, str] = {}  # of the project's environments, by name: what names the project: tags, parameters, ""
    environment: Environment | None = None
    launch: Launch | None = None
    workspace: Workspace | None = None
    told: Told | None = None
    native_event: dict[str, bool] | None = None  # which members name the domain and the project
    by_hand: ByHand | None = None
    update: Update | None = None
    tainted: Update | None = None
    going: Going = Field(default_factory=Going)
    waiters: Waiters | None = None
    workflows: Workflows | None = None
    recorded: Recorded | None = None
    connected: Connected | None = None
    answers: dict[str, bool] = {}  # a person's, by assumption
    deletion: str = ""  # gone, or why not
    ending: Ending | None = None


class State(_Document):
    """One proof, from its beginning to its end; written after every step."""

    run: str
    domain: str
    profile: str
    local: bool = False
    launch_role: str = ""
    as_owner: bool = False
    keep: bool = False
    given: bool = False  # the project was there before: it is only looked at
    project_name: str = ""
    project: str = ""
    done: list[str] = []
    problems: dict[str, str] = {}  # by step: why it could not be done
    left: str = ""  # the project, where it could not be deleted
    ended: bool = False
    facts: Facts = Field(default_factory=Facts)
    calls: list[Call] = []

    def note(self, call: Call) -> None:
        """Keep a call that is about an assumption; of many alike, as in waiting, the first ones and the last."""
        alike = [
            index
            for index, each in enumerate(self.calls)
            if each.model_copy(update={"request_id": call.request_id}) == call
        ]
        if len(alike) >= _ALIKE:
            del self.calls[alike[-1]]
        if call.about:
            self.calls.append(call)

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        written = folder / f"{STATE_FILE}.new"
        written.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        written.replace(folder / STATE_FILE)

    @staticmethod
    def read(folder: Path) -> State | None:
        """Return the state of a folder, None when it has none. Raises ProveStateUnreadable."""
        file = folder / STATE_FILE
        if not file.exists():
            return None
        try:
            return State.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            raise ProveStateUnreadable(file=file) from None
