"""The project's table by Athena, held to botocore's shapes."""

import pytest
from botocore.stub import Stubber

pytest.importorskip("pandas")
import athena_table
import boto3

TABLE = athena_table.Table("eu-west-1", "workgroup", "glue_db", "rows")


@pytest.fixture
def stubs(monkeypatch):
    """Clients that answer what a test adds."""
    clients = {
        service: boto3.client(service, region_name="eu-west-1", aws_access_key_id="k", aws_secret_access_key="s")
        for service in ("athena", "glue")
    }
    monkeypatch.setattr(athena_table.Table, "client", lambda _, service: clients[service])
    monkeypatch.setattr(athena_table.time, "sleep", lambda _: None)
    found = {service: Stubber(client) for service, client in clients.items()}
    for stub in found.values():
        stub.activate()
    yield clients, found
    for stub in found.values():
        stub.assert_no_pending_responses()


def status(state, **more):
    execution = {"Status": {"State": state, **more}, "ResultConfiguration": {"OutputLocation": "s3://results/q/1.csv"}}
    return {"QueryExecution": execution}


def test_rows_come_from_the_querys_own_result(stubs, monkeypatch, tmp_path):
    clients, found = stubs

    class S3:
        def download_file(self, bucket, key, path):
            assert (bucket, key) == ("results", "q/1.csv")
            (tmp_path / "result.csv").write_text('"length","label"\n"0.4","NA"\n')

    clients["s3"] = S3()
    sql = 'SELECT "length", "label" FROM "glue_db"."rows"'
    expected = {"QueryString": sql, "WorkGroup": "workgroup"}
    found["athena"].add_response("start_query_execution", {"QueryExecutionId": "1"}, expected)
    found["athena"].add_response("get_query_execution", status("RUNNING"))
    found["athena"].add_response("get_query_execution", status("SUCCEEDED"))
    assert athena_table.read(TABLE, ["length", "label"], tmp_path).to_numpy().tolist() == [["0.4", "NA"]]


def test_a_query_that_fails_says_why(stubs, tmp_path):
    found = stubs[1]
    found["athena"].add_response("start_query_execution", {"QueryExecutionId": "1"})
    reason = "COLUMN_NOT_FOUND: Column 'lenght' cannot be resolved"
    found["athena"].add_response("get_query_execution", status("FAILED", StateChangeReason=reason))
    with pytest.raises(SystemExit, match="COLUMN_NOT_FOUND"):
        athena_table.read(TABLE, ["lenght"], tmp_path)


def test_a_table_that_is_not_there_is_told_from_one_that_is_denied(stubs):
    glue = stubs[1]["glue"]
    glue.add_response("get_table", {"Table": {"Name": "rows"}}, {"DatabaseName": "glue_db", "Name": "rows"})
    assert athena_table.exists(TABLE)
    glue.add_client_error("get_table", "EntityNotFoundException")
    assert not athena_table.exists(TABLE)
    glue.add_client_error("get_table", "AccessDeniedException")
    with pytest.raises(SystemExit, match="Grant the project access"):
        athena_table.exists(TABLE)


def connections(*found):
    return {
        "items": [
            {
                "connectionId": "c1",
                "domainId": "dzd_1",
                "domainUnitId": "u1",
                "name": name,
                "physicalEndpoints": [],
                "type": "ATHENA",
                **({"props": {"athenaProperties": {"workgroupName": group}}} if group else {}),
            }
            for name, group in found
        ]
    }


@pytest.mark.parametrize(
    ("found", "group"),
    [
        ([("mine", "a"), ("project.athena", "b")], "b"),
        ([("mine", "a")], "a"),
        ([("project.athena", "")], ""),
        ([], ""),
    ],
)
def test_the_projects_role_is_told_the_workgroup(monkeypatch, found, group):
    client = boto3.client("datazone", region_name="eu-west-1", aws_access_key_id="k", aws_secret_access_key="s")
    monkeypatch.setattr(athena_table.boto3, "client", lambda *_, **__: client)
    with Stubber(client) as stub:
        asked = {"domainIdentifier": "dzd_1", "projectIdentifier": "p1", "type": "ATHENA"}
        stub.add_response("list_connections", connections(*found), asked)
        assert athena_table.workgroup("eu-west-1", "dzd_1", "p1") == group
        stub.add_client_error("list_connections", "AccessDeniedException")
        assert athena_table.workgroup("eu-west-1", "dzd_1", "p1") == ""


def test_names_are_quoted():
    table = athena_table.Table("eu-west-1", "w", "db", 'a"b')
    assert athena_table.query(table, ["c"]) == 'SELECT "c" FROM "db"."a""b"'
    assert athena_table.query(table, []) == 'SELECT * FROM "db"."a""b"'
