"""What the stand-in remembers: accounts, tokens, Apps, repositories. Plain data, kept as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

# What an organization, or a user (free, pro), pays for decides which rules the environments of its private repositories
# may have. none: a GitHub without environments.
Plan = Literal["free", "pro", "team", "enterprise", "none"]
Role = Literal["none", "read", "write", "admin"]
ROLES: tuple[Role, ...] = ("none", "read", "write", "admin")


def now() -> str:
    """Return the time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Team(BaseModel):
    """A team of an organization, and the names of the repositories that it has access to ("*" = all)."""

    id: int
    repositories: list[str] = []


class Label(BaseModel):
    """A label of a repository. One that a request brings into being has GitHub's grey."""

    id: int
    name: str
    color: str = "ededed"


class Account(BaseModel):
    """A user or an organization."""

    id: int
    login: str
    type: Literal["User", "Organization"]
    name: str = ""
    created_at: str = Field(default_factory=now)
    plan: Plan = "enterprise"
    refusal_creates: bool = True  # an environment is there after its rules were refused for the plan's sake
    public: bool = True  # an organization: everybody sees that it exists
    left_by: list[str] = []  # users who are its members no more ("*" = all), see sight.py
    teams: dict[str, Team] = {}  # an organization's, by their slugs


class Token(BaseModel):
    """A credential, known by the digest of its value only.

    `organizations` None = all of them; `role` is what its user is in those organizations. For an App in a user account
    they are that account. A classic token has `scopes`; the others have `permissions` (name -> read | write).
    """

    digest: str
    kind: Literal["classic", "fine-grained", "installation"]
    login: str
    user_id: int
    scopes: list[str] = []
    permissions: dict[str, str] = {}
    organizations: list[str] | None = None
    repositories: list[int] | None = None  # an App's token for these only, by their ids
    role: Role = "admin"
    unknown: int = 0  # requests that are answered 401 yet: replicas that do not know the token,
    unready: int = 0  # and 403: those that do not know its permissions
    known_from: float = 0  # Unix time before which it is answered 401
    left: list[str] = []  # organizations that its user has left, in lower case
    installation: int = 0  # of an App
    selected: list[int] | None = None  # the repositories to which that is narrowed
    suspended: bool = False
    expires_at: str | None = None

    @property
    def noun(self) -> str:
        """How GitHub calls it when it refuses a workflow file."""
        return "a GitHub App" if self.kind == "installation" else "a Personal Access Token"

    def may_write_workflows(self) -> bool:
        """Tell whether it may create or update files in .github/workflows."""
        if self.kind == "classic":
            return "workflow" in self.scopes
        return self.permissions.get("workflows") == "write"


class Installation(BaseModel):
    """A GitHub App in an organization."""

    id: int
    organization: str
    permissions: dict[str, str]
    repositories: list[int] | None = None  # None = all
    adds_created: bool = True  # what the App creates joins those
    suspended: bool = False


class App(BaseModel):
    """A GitHub App: its public key verifies its JSON web tokens."""

    id: int
    slug: str
    public_key: str
    installations: list[Installation] = []
    unknown: int = 0  # of its tokens
    unready: int = 0


class Secret(BaseModel):
    """An Actions secret. Its value is kept unsealed: to look at it is the stand-in's purpose."""

    value: str
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Variable(BaseModel):
    """An Actions variable."""

    name: str
    value: str
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Comment(BaseModel):
    """A comment on a pull request."""

    id: int
    login: str
    user_id: int
    body: str
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Review(BaseModel):
    """A review of a pull request that has an opinion. `writer`: its author may push."""

    id: int
    login: str
    state: Literal["APPROVED", "CHANGES_REQUESTED"]
    body: str = ""
    commit: str = ""
    writer: bool = True
    submitted_at: str = Field(default_factory=now)


class Pull(BaseModel):
    """A pull request between two branches of one repository."""

    id: int
    number: int
    title: str
    body: str | None
    login: str
    user_id: int
    head: str
    base: str
    head_sha: str
    base_sha: str
    state: Literal["open", "closed"] = "open"
    draft: bool = False
    maintainer_can_modify: bool = False
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: str = ""
    merge_commit_sha: str | None = None
    comments: list[Comment] = []
    reviews: list[Review] = []
    labels: list[str] = []
    assignees: list[str] = []
    requested_reviewers: list[str] = []
    requested_teams: list[str] = []
    unjudged: int = 0  # GraphQL's next answers in which `mergeable` is UNKNOWN: GitHub is still to look

    def latest_reviews(self) -> list[Review]:
        """Return each reviewer's latest review."""
        return list({review.login: review for review in self.reviews}.values())


class Protection(BaseModel):
    """A branch protection as it was put by REST (GH006), or by the stand-in's control (`message`, for all)."""

    branch: str
    settings: dict[str, Any]
    message: str = ""


class Ruleset(BaseModel):
    """A repository ruleset (GH013)."""

    id: int
    name: str
    enforcement: Literal["active", "disabled", "evaluate"] = "active"
    target: Literal["branch", "tag", "push"] = "branch"
    include: list[str]
    exclude: list[str] = []
    rules: list[dict[str, Any]]
    bypass_actors: list[dict[str, Any]] = []
    message: str = ""
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Dispatch(BaseModel):
    """A workflow that somebody started by hand."""

    workflow: str
    ref: str
    inputs: dict[str, Any]
    created_at: str = Field(default_factory=now)


class Reviewer(BaseModel):
    """Who may let a job go on that uses an environment."""

    type: Literal["User", "Team"]
    id: int


class Environment(BaseModel):
    """A deployment environment."""

    id: int
    name: str
    branch_policy: Literal["protected", "custom"] | None = None
    branches: dict[int, str] = {}  # of the custom policy: id -> name pattern
    reviewers: list[Reviewer] = []
    wait_timer: int = 0
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)


class Repository(BaseModel):
    """A repository. Its commits are in the bare repository beside it."""

    id: int
    owner: str
    name: str
    description: str | None = None
    homepage: str | None = None
    visibility: Literal["private", "internal", "public"] = "private"
    of_user: bool = False  # in a user account
    hidden_from: list[str] = []  # users whose tokens do not see it ("*" = all), see sight.py
    archived: bool = False
    default_branch: str = "main"
    topics: list[str] = []
    has_issues: bool = True
    has_projects: bool = True
    has_wiki: bool = True
    has_pull_requests: bool = True
    pull_request_creation_policy: Literal["all", "collaborators_only"] = "all"
    pulls_off_status: int = 404  # how requests for pull requests are answered while they are switched off
    push_protection: bool = False
    allowed_secrets: list[str] = []  # placeholder ids of secrets that may be pushed all the same
    is_template: bool = False
    allow_merge_commit: bool = True
    allow_squash_merge: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = False
    allow_update_branch: bool = False
    allow_forking: bool = False
    web_commit_signoff_required: bool = False
    delete_branch_on_merge: bool = False
    created_at: str = Field(default_factory=now)
    updated_at: str = Field(default_factory=now)
    pushed_at: str = Field(default_factory=now)
    next_number: int = 1
    pulls: list[Pull] = []
    labels: dict[str, Label] = {}  # by their names in lower case
    private_key: str = ""
    secrets: dict[str, Secret] = {}
    variables: dict[str, Variable] = {}
    protections: list[Protection] = []
    rulesets: list[Ruleset] = []
    dispatches: list[Dispatch] = []
    environments: dict[str, Environment] = {}  # by their names in lower case

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return f"{self.owner}/{self.name}"

    def pull(self, number: int) -> Pull | None:
        """Return a pull request."""
        return next((pull for pull in self.pulls if pull.number == number), None)


class State(BaseModel):
    """Everything that belongs to no single repository. `moved`: an old full name, lower case -> repository id."""

    next_id: int = 1001
    accounts: dict[str, Account] = {}
    tokens: list[Token] = []
    apps: list[App] = []
    moved: dict[str, int] = {}
    redirects_unseen: bool = False  # a former name leads also to what the token does not see
