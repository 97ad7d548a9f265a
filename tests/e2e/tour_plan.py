"""What the tour runs (test_tour.py): all commands of some pages, but those that are named here with a reason.

A reason that begins with tests/ is the test that does what the command does; one that begins with .ci/run is a step
of it, or part of one.
"""

from __future__ import annotations

TOURED = ("README.md", "CONTRIBUTING.md", "docs/studio.md", "docs/admin.md")

AWS = "needs an account of AWS and its credentials"
GITHUB = "needs github.com, an organization there and a token for it"
NETWORK = "asks package registries"
MINUTES = "takes minutes to hours, of the whole machine"

RUN_ELSEWHERE: dict[str, tuple[str, ...]] = {
    ".ci/run coverage, test-rest: every test once": (
        *("make test", "make test-fast", "make coverage", "make test-rest", "make test-long", "make test-templates"),
        *("make updates", "make faults"),
    ),
    ".ci/run check": ("make check", "make docs"),
    MINUTES: ("make test-fleet", "make test-scenarios", "make bench", "make mutants"),
    "tests/scale/test_scale.py::test_the_page_has_a_row_for_each_scenario_and_its_plot": ("make scale",),
    "tests/layers/test_bill_of_materials.py::test_it_lists_every_package_of_both_locks_with_its_hash": ("make sbom",),
    NETWORK: ("make lock", "uvx pre-commit install"),
    GITHUB: (
        "GITHUB_TOKEN=... .venv/bin/python -m local launch demo --profile regression --github-api-url "
        "https://api.github.com --github-server-url https://github.com --organization YOUR-ORGANIZATION",
        "gh api orgs/MY-ORG/teams/ml-leads --jq .id",
        "gh api repos/OWNER/REPOSITORY/dispatches -f event_type=template-source-changed",
    ),
    "tests/operations/test_publish_pull_request.py::test_the_first_version_is_opened_and_the_checkout_left_alone": (
        "PUBLISH_TOKEN=... .venv/bin/python -m operations publish --pull-request --json",
    ),
    "tests/integration/test_pull_requests.py::test_a_resolved_conflict_moves_the_base": (
        "git fetch origin",
        "git switch studio/template-v1.1.0",
        "git merge origin/main",
        "git push origin studio/template-v1.1.0",
    ),
    "tests/integration/studio/test_prove.py::test_everything_that_can_be_seen_here_holds": (
        ".venv/bin/python -m operations prove --domain DOMAIN_ID --profile PROFILE",
        "python -m operations prove --domain DOMAIN_ID --profile PROFILE --launch-role ROLE_ARN",
    ),
    "tests/integration/studio/test_repair.py::test_a_repository_that_was_deleted_on_github": (
        "python -m operations repair --project PROJECT_ID --gone OWNER/NAME --yes",
    ),
    "tests/operations/test_accounts.py::test_repair_looks_at_each_account_that_is_named_and_at_no_other": (
        "python -m operations repair --account NAME --project PROJECT_ID --yes",
    ),
    "tests/operations/test_accounts.py::test_doctor_looks_at_every_place": (
        "python -m operations doctor --account all",
    ),
    "tests/standin/aws/test_protocol.py::test_the_command_serves_until_it_is_told_to_end": (
        "python -m standins.aws --port 4580 --aws-endpoint http://127.0.0.1:4566",
    ),
    "tests/standin/github/test_pages.py::test_the_command_serves_until_it_is_told_to_stop": (
        "python -m standins.github --port 8080 --root DIR",
    ),
    AWS: (
        "export AWS_PROFILE=MY_PROFILE AWS_DEFAULT_REGION=MY_REGION",
        "aws datazone list-domains --query 'items[].[id,name]' --output text",
        "npx aws-cdk@2 bootstrap",
        "npx aws-cdk@2 deploy FoundationStack PortfolioStack",
        "npx aws-cdk@2 deploy StudioStack",
        "npx aws-cdk@2 deploy PortfolioStack StudioStack",
        "npx aws-cdk@2 deploy -c studio-mlops:place=domain DomainFoundationStack",
        "npx aws-cdk@2 deploy -c studio-mlops:place=domain StudioDomainStack",
        "npx aws-cdk@2 deploy -c studio-mlops:place=research/eu-west-1 --all",
        "npx aws-cdk@2 deploy -c studio-mlops:place=forecasts/us-east-1 --all",
        "npx aws-cdk@2 deploy -c studio-mlops:place=forecasts/us-west-2 --all",
        "npx aws-cdk@2 deploy -c studio-mlops:place=domain StudioProfilesStack",
        'read -rs TOKEN; printf %s "$TOKEN" | aws secretsmanager put-secret-value '
        "--secret-id studio-mlops/github-token --secret-string file:///dev/stdin; unset TOKEN",
        "DOMAIN=DOMAIN_ID",
        'UNIT=$(aws datazone get-domain --identifier "$DOMAIN" --query rootDomainUnitId --output text)',
        "for OUTPUT in StudioBlueprintRoleArn StudioProjectProfileRoleArn; do ROLE=$(aws cloudformation "
        "describe-stacks --stack-name FoundationStack --output text "
        "--query \"Stacks[0].Outputs[?OutputKey=='$OUTPUT'].OutputValue\") "
        'aws datazone add-entity-owner --domain-identifier "$DOMAIN" --entity-type DOMAIN_UNIT --entity-identifier '
        '"$UNIT" --owner "user={userIdentifier=$ROLE}" done',
        "role() { aws cloudformation describe-stacks --stack-name DomainFoundationStack --output text "
        "--query \"Stacks[0].Outputs[?OutputKey=='$1'].OutputValue\" }",
        "aws datazone create-user-profile --domain-identifier DOMAIN_ID --user-type IAM_ROLE --user-identifier "
        '"$(role StudioReaderRoleArn)"',
        "for OUTPUT in StudioBlueprintRoleArn StudioProjectProfileRoleArn; do aws datazone add-entity-owner "
        "--domain-identifier DOMAIN_ID --entity-type DOMAIN_UNIT --entity-identifier DOMAIN_UNIT_ID --owner "
        '"user={userIdentifier=$(role "$OUTPUT")}" done',
        "aws datazone add-entity-owner --domain-identifier DOMAIN_ID --entity-type DOMAIN_UNIT --entity-identifier "
        "DOMAIN_UNIT_ID --owner 'user={userIdentifier=ROLE_ARN}'",
        'aws bedrock create-inference-profile --inference-profile-name "PROJECT_ID nova-lite" --model-source '
        "copyFrom=arn:aws:bedrock:REGION:ACCOUNT:inference-profile/eu.amazon.nova-lite-v1:0 --tags "
        "key=AmazonDataZoneProject,value=PROJECT_ID key=AmazonDataZoneDomain,value=DOMAIN_ID "
        "key=AmazonBedrockManaged,value=true",
        "jq -n --arg id APP_ID --argjson installation INSTALLATION_ID --rawfile key app.pem '{app_id: $id, "
        "installation_id: $installation, private_key: $key}' | aws secretsmanager put-secret-value --secret-id "
        "studio-mlops/github-token --secret-string file:///dev/stdin",
    ),
    "needs the AWS CLI, which the environment does not install": (
        "AWS_ACCESS_KEY_ID=222222222222 AWS_SECRET_ACCESS_KEY=any aws --endpoint-url http://127.0.0.1:PORT "
        "--region eu-west-1 cloudformation describe-stacks",
    ),
    "needs a second account, with which a portfolio is shared": (
        "python -m operations rollout start --version v2.1.0",
    ),
    "as `publish` prints it: that line is run in its place": (
        'git add products/versions/v2.1.0 && git commit -m "Publish v2.1.0"',
    ),
}
