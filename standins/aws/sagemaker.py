"""SageMaker: the domains and spaces that Studio makes for a project, model package groups, and their tags."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from standins.aws.calls import Record, Table, new_id, now, page
from standins.aws.protocol import ServiceError

if TYPE_CHECKING:
    from standins.aws.calls import Call


class SageMaker:
    """One account's SageMaker per account and region."""

    def __init__(self) -> None:
        """Start empty."""
        self._domains: Table[Record] = Table()
        self._spaces: list[Record] = []
        self._projects: list[Record] = []  # SageMaker Studio classic's
        self._tags: dict[str, dict[str, str]] = {}
        self._lock = RLock()

    def open_domain(
        self,
        account: str,
        region: str,
        name: str,
        *,
        settings: Record,
        tags: dict[str, str],
        more: Record,
    ) -> Record:
        """Make a domain; `settings` are its DomainSettings, `more` is what else CreateDomain would have been given."""
        with self._lock:
            same = (name, account, region)
            if any((each["DomainName"], each["_account"], each["_region"]) == same for each in self._domains.values()):
                raise ServiceError("ResourceInUse", f"Domain {name} already exists.")
            domain_id = new_id(12, "d-")
            arn = f"arn:aws:sagemaker:{region}:{account}:domain/{domain_id}"
            self._domains[domain_id] = more | {
                "DomainArn": arn,
                "DomainId": domain_id,
                "DomainName": name,
                "Status": "InService",
                "CreationTime": now(),
                "LastModifiedTime": now(),
                "Url": f"https://{domain_id}.studio.{region}.sagemaker.aws",
                "DomainSettings": settings,
                "_account": account,
                "_region": region,
            }
            self._tags[arn] = dict(tags)
            return self._domains[domain_id]

    def make_project(self, account: str, region: str, name: str, project_id: str, launch: str) -> Record:
        """Make a project of SageMaker Studio classic; `launch` is the provisioned product that it was made by."""
        project = {
            "ProjectName": name,
            "ProjectId": project_id,
            "ProjectArn": f"arn:aws:sagemaker:{region}:{account}:project/{name}",
            "ProjectStatus": "CreateInProgress",
            "ServiceCatalogProvisioningDetails": {"ProductId": "prod-0000000000000"},
            "CreationTime": now(),
            "_account": account,
            "_region": region,
        }
        if launch:
            project["ServiceCatalogProvisionedProductDetails"] = {"ProvisionedProductId": launch}
        self._projects.append(project)
        return project

    def describe_project(self, call: Call, request: Record) -> Record:
        """DescribeProject."""
        for project in self._projects:
            if project["ProjectName"] == request["ProjectName"] and _is_of(project, call):
                return project
        raise ServiceError("ValidationException", f"Project {request['ProjectName']} does not exist.")

    def list_domains(self, call: Call, request: Record) -> Record:
        """ListDomains."""
        mine = [item for item in self._domains.values() if _is_of(item, call)]
        items, token = page(mine, request.get("MaxResults"), request.get("NextToken"), 10)
        return {"Domains": items, "NextToken": token}

    def describe_domain(self, call: Call, request: Record) -> Record:
        """DescribeDomain."""
        return self._domain(call, request["DomainId"])

    def close_domain(self, domain_id: str) -> None:
        """Remove a domain and its spaces; one that is gone is fine."""
        with self._lock:
            domain = self._domains.pop(domain_id, None)
            self._spaces = [space for space in self._spaces if space["DomainId"] != domain_id]
            if domain:
                self._tags.pop(domain["DomainArn"], None)

    def open_space(self, account: str, region: str, domain_id: str, name: str, *, tags: dict[str, str]) -> Record:
        """Make a space in a domain."""
        with self._lock:
            if any(space["DomainId"] == domain_id and space["SpaceName"] == name for space in self._spaces):
                raise ServiceError("ResourceInUse", f"Space {name} already exists.")
            arn = f"arn:aws:sagemaker:{region}:{account}:space/{domain_id}/{name}"
            space = {
                "DomainId": domain_id,
                "SpaceName": name,
                "SpaceArn": arn,
                "Status": "InService",
                "CreationTime": now(),
                "LastModifiedTime": now(),
                "_account": account,
                "_region": region,
            }
            self._spaces.append(space)
            self._tags[arn] = dict(tags)
            return space

    def list_spaces(self, call: Call, request: Record) -> Record:
        """ListSpaces."""
        mine = [
            space
            for space in self._spaces
            if _is_of(space, call)
            and request.get("DomainIdEquals", space["DomainId"]) == space["DomainId"]
            and request.get("SpaceNameContains", "") in space["SpaceName"]
        ]
        items, token = page(mine, request.get("MaxResults"), request.get("NextToken"), 10)
        return {"Spaces": items, "NextToken": token}

    def create_model_package_group(self, call: Call, request: Record) -> Record:
        """CreateModelPackageGroup."""
        name = request["ModelPackageGroupName"]
        arn = f"arn:aws:sagemaker:{call.region}:{call.account}:model-package-group/{name}"
        with self._lock:
            if arn in self._tags:
                raise ServiceError("ValidationException", f"Model Package Group already exists: {arn}")
            self._tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
        return {"ModelPackageGroupArn": arn}

    def list_tags(self, call: Call, request: Record) -> Record:
        """ListTags."""
        tags = [{"Key": key, "Value": value} for key, value in self._tagged(call, request["ResourceArn"]).items()]
        items, token = page(tags, request.get("MaxResults"), request.get("NextToken"))
        return {"Tags": items, "NextToken": token}

    def tag(self, arn: str, tags: dict[str, str]) -> None:
        """Remember the tags of something that is kept elsewhere."""
        with self._lock:
            self._tags[arn] = dict(tags)

    def _tagged(self, call: Call, arn: str) -> dict[str, str]:
        if arn not in self._tags or arn.split(":")[3:5] != [call.region, call.account]:
            raise ServiceError("ValidationException", f"{arn} does not exist.")
        return self._tags[arn]

    def _domain(self, call: Call, domain_id: str) -> Record:
        domain = self._domains.get(domain_id)
        if not domain or not _is_of(domain, call):
            raise ServiceError("ResourceNotFound", f"Domain [{domain_id}] does not exist.")
        return domain


def _is_of(record: Record, call: Call) -> bool:
    return bool(record["_account"] == call.account and record["_region"] == call.region)
