"""The one translator of boto3's errors: what passes is a wait, everything else one final class a kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from custom_resources.errors import (
    AwsConflict,
    AwsDenied,
    AwsNotConfigured,
    AwsNotFound,
    AwsRefused,
    AwsThrottled,
    AwsUnreachable,
    DataZoneDenied,
    DomainNotShared,
    DomainUnitNotOwned,
    Problem,
    ReaderRoleRefused,
)

WAIT_SECONDS = 5  # before a throttled request is made again
# Throttling and the services' own failures, as the services that are called here spell them; 5xx statuses are both.
_PASSING = {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
_DENIED = {
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "Forbidden",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
_NOT_FOUND = {
    "404",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchKey",
    "NotFound",
    "ResourceNotFound",  # SageMaker's
    "ParameterNotFound",
    "ResourceNotFoundException",
}
_CONFLICT = {"ConflictException", "ResourceConflictException", "ResourceInUseException"}
_NOT_CONFIGURED = (
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
_PERMISSIONS = {  # not named after the operation
    "dynamodb:TransactWriteItems": "dynamodb:PutItem",  # which it has of every action in ours
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
}


@dataclass(frozen=True)
class Service:
    """An AWS service: the name that people know, its prefix in IAM, and how it denies access."""

    name: str
    prefix: str
    denied: type[AwsDenied] = AwsDenied

    def permission(self, operation: str) -> str:
        """Return the IAM action that permits an operation."""
        action = f"{self.prefix}:{operation}"
        return _PERMISSIONS.get(action, action)


CLOUDFORMATION = Service("CloudFormation", "cloudformation")
CODECONNECTIONS = Service("CodeConnections", "codeconnections")
DATAZONE = Service("DataZone", "datazone", DataZoneDenied)
DATAZONE_OF_OWNERS = Service("DataZone", "datazone", DomainUnitNotOwned)  # what only owners of a domain unit may call
DATAZONE_OF_SHARERS = Service("DataZone", "datazone", DomainNotShared)  # what a domain's share permits other accounts
DYNAMODB = Service("DynamoDB", "dynamodb")
IAM = Service("IAM", "iam")
KMS = Service("KMS", "kms")
LAMBDA = Service("Lambda", "lambda")
S3 = Service("S3", "s3")
SAGEMAKER = Service("SageMaker", "sagemaker")
SECRETS_MANAGER = Service("Secrets Manager", "secretsmanager")
SERVICE_CATALOG = Service("Service Catalog", "servicecatalog")
SQS = Service("SQS", "sqs")
SSM = Service("Systems Manager", "ssm")
STEP_FUNCTIONS = Service("Step Functions", "states")
STS = Service("STS", "sts")
STS_OF_READERS = Service("STS", "sts", ReaderRoleRefused)


@contextmanager
def translated(service: Service, activity: str) -> Iterator[None]:
    """Raise one of our errors for what boto3 raises in the block.

    `activity` is what was being done, such as "reading the project p1". Raises AwsThrottled and AwsUnreachable, which
    pass, and AwsDenied, AwsNotFound, AwsConflict, AwsRefused, AwsNotConfigured: callers give the two in the middle
    a meaning of their own.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error, service, activity) from None
    except _NOT_CONFIGURED as error:
        raise AwsNotConfigured(service=service.name, activity=activity, message=str(error).rstrip(".")) from None
    except BotoCoreError as error:
        kind = type(error).__name__
        raise AwsUnreachable(WAIT_SECONDS, service=service.name, activity=activity, kind=kind) from None


def _refusal(error: ClientError, service: Service, activity: str) -> Problem:
    """Choose the class by the error's code. Pure."""
    told = error.response.get("Error", {})
    code = str(told.get("Code") or "no code")
    message = str(told.get("Message") or code).strip().rstrip(".")
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    if code in _PASSING or status >= 500:
        return AwsThrottled(WAIT_SECONDS, service=service.name, activity=activity, code=code)
    if code in _DENIED:
        permission = service.permission(error.operation_name)
        return service.denied(service=service.name, activity=activity, message=message, permission=permission)
    if code in _NOT_FOUND or (code == "ValidationError" and "does not exist" in message):  # a stack's
        return AwsNotFound(service=service.name, activity=activity, message=message)
    if code in _CONFLICT:
        return AwsConflict(service=service.name, activity=activity, message=message)
    return AwsRefused(service=service.name, activity=activity, message=message, code=code)
