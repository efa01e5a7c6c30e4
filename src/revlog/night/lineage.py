"""OpenLineage: from landing file to raw table, from model to model, and out to the marts, column by column.

Off unless Airflow's OpenLineage provider has a transport (OPENLINEAGE_TRANSPORT). The provider tells of runs
and tasks; this adds a job for each step that a task took, as a child of its run: a file that was loaded, a
model that was built, a table that was published. Columns are read off the SQL that ran, by
`revlog.catalog.column_lineage`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from revlog.contracts.contract import Contract
    from revlog.contracts.layout import Layout

log = logging.getLogger("reverse_logistics.lineage")
PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/main/client/python"
LOADED = """
select name, layout from ops.file_ledger
where feed = %(feed)s and run_date = %(date)s and status in ('loaded', 'superseded') order by file_id
"""
COLUMNS = """
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^(pg_|information_schema)' order by 1, 2, a.attnum
"""
# Tables by schema and name, their columns with types.
Tables = dict[tuple[str, str], dict[str, str]]
# By a query: which tables it `reads`, and the origins (schema, table, column) of each of its `columns`.
Read = dict[str, Any]
WORDS, NUMBERS = re.compile(r"\w+"), re.compile(r"\b\d+\b")


@dataclass(frozen=True)
class Place:
    """A dataset by the names of OpenLineage's naming spec."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Origin:
    """A column that another one is made from; masked where a value can't be told from what became of it."""

    place: Place
    column: str
    masked: bool = False


@dataclass(frozen=True)
class Step:
    """What one job did: read `inputs`, wrote `output`, whose `columns` come from these origins."""

    job: str
    inputs: tuple[Place, ...]
    output: Place
    columns: Mapping[str, tuple[Origin, ...]]
    types: Mapping[str, str] = field(default_factory=dict)


def of_feed(feed: str, date: dt.date) -> list[Step]:
    """A step for each file that the night of `date` loaded into the feed's raw table; read as loader."""
    from revlog.contracts.contract import load_contract
    from revlog.database.connections import connect
    from revlog.ingestion.landing import lying

    contract = load_contract(feed)
    paths = {(file.layout, file.name): file.path for file in lying(contract)}
    with connect("loader") as reader:
        loaded = reader.execute(LOADED, {"feed": feed, "date": date}).fetchall()
        table = _tables(reader)["raw", feed]
    steps = []
    for name, layout in loaded:
        # A file that has been taken away since lies nowhere that could be named.
        if (path := paths.get((layout, name))) and layout in contract.layouts:
            file = place_of_file(path)
            columns = _columns_of_file(contract, contract.layouts[layout], file)
            steps.append(Step(f"ingest.{feed}", (file,), place_of_table("raw", feed), columns, table))
    return steps


def _columns_of_file(contract: Contract, layout: Layout, file: Place) -> dict[str, tuple[Origin, ...]]:
    """Raw columns by those of the file; none where a SELECT of the layout lies between."""
    if layout.select is not None:
        return {}
    found = {}
    for name in contract.raw_columns.keys() & contract.columns.keys():
        rule = layout.derive.get(name)
        sources = rule.sources if rule else (layout.columns.get(name, name),)
        masked = contract.columns[name].pii is not None
        found[name] = tuple(Origin(file, layout.fields.get(source, source), masked) for source in sources)
    return {name: origins for name, origins in sorted(found.items()) if origins}


def of_layer(layer: str) -> Iterator[Step]:
    """A step for each model that the last run of dbt built, by the SQL that ran; read as transformer.

    What ran is known at once, since another run of dbt may follow. Its SQL is read when the steps are asked
    for, and once: what a night runs differs from the night before by its dates and numbers only.
    """
    from revlog.database.connections import connect
    from revlog.transform import project

    with connect("transformer") as connection:
        tables = _tables(connection)
    nodes = json.loads((project.target() / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    results = json.loads((project.target() / "run_results.json").read_text(encoding="utf-8"))["results"]
    models = [
        (node["schema"], node["alias"], query)
        for result in results
        if result["status"] == "success"
        and (node := nodes.get(result["unique_id"]))
        and node["resource_type"] == "model"
        and (query := result.get("compiled_code"))
    ]
    return _steps(layer, models, tables, project.target().with_name("lineage") / f"{layer}.json")


def _steps(layer: str, models: list[tuple[str, str, str]], tables: Tables, file: Path) -> Iterator[Step]:
    """Steps of models by schema, name and query; what was read of them is kept in `file`."""
    from revlog.outputs.files import FOR_OWNER, NotWritten, write_text

    before, read = _read_before(file), {}
    for schema, name, query in models:
        key = _key(schema, name, query, tables)
        read[key] = before.get(key) or _read(schema, name, query, tables)
        yield _step(schema, name, read[key], tables, f"{layer}.")
    try:
        write_text(file, json.dumps(read), FOR_OWNER)
    except NotWritten as error:
        log.warning("%s", error)


def _read_before(file: Path) -> dict[str, Read]:
    try:
        found: dict[str, Read] = json.loads(file.read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError):
        return {}


def _key(schema: str, name: str, query: str, tables: Tables) -> str:
    """Hash of all that the origins of a table's columns follow from; numbers and dates are no part of it."""
    import sqlglot

    from revlog.config.settings import code_version

    words = set(WORDS.findall(query))
    columns = [(t, list(tables[t])) for t in tables if t[1] in words]
    parts = (code_version(), sqlglot.__version__, schema, name, NUMBERS.sub("0", query), columns)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def step_of_query(schema: str, name: str, query: str, tables: Tables, prefix: str = "") -> Step:
    """The step of a table that is the result of a query; `tables` are those that the query may read.

    What it reads of itself, as a table does that is built by difference, is no origin.
    """
    return _step(schema, name, _read(schema, name, query, tables), tables, prefix)


def _read(schema: str, name: str, query: str, tables: Tables) -> Read:
    from revlog.catalog.column_lineage import columns_by_table, origins_of

    read = [t for t in _named(query) if t in tables and t != (schema, name)]
    known = columns_by_table({t: tables[t] for t in [*read, (schema, name)] if t in tables})
    columns = {
        column: sorted(origin for origin in origins if origin[:2] in read)
        for column, origins in (origins_of(query, known) or {}).items()
    }
    return {"reads": read, "columns": {column: origins for column, origins in columns.items() if origins}}


def _step(schema: str, name: str, read: Read, tables: Tables, prefix: str) -> Step:
    # Each asks the settings for the server's address.
    places = {(s, t): place_of_table(s, t) for s, t in read["reads"]}
    columns = {
        column: tuple(Origin(places[s, t], of) for s, t, of in origins)
        for column, origins in read["columns"].items()
    }
    reads = tuple(places.values())
    return Step(
        f"{prefix}{name}", reads, place_of_table(schema, name), columns, tables.get((schema, name), {})
    )


def _named(query: str) -> list[tuple[str, str]]:
    """Tables that a query names with their schema, each once; none where it defeats the parser."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        found = sqlglot.parse_one(query, dialect="postgres").find_all(exp.Table)
    except SqlglotError:
        return []
    return sorted({(table.db, table.name) for table in found if table.db})


def of_publication(names: Iterable[str]) -> list[Step]:
    """A step for each published table, view and history that readers have; read as publisher.

    `names` are the tables that were published, as schema.table. Every column of them is that of the table in
    `build`, a history's that of the table whose rows it keeps; a view reads what is published beside it.
    """
    from revlog.database import relations
    from revlog.database.connections import connect
    from revlog.transform.tables import published_tables

    wanted = set(names)
    domains, steps = {name.partition(".")[0] for name in wanted}, []
    with connect("publisher") as reader:
        tables = _tables(reader)
        for table in published_tables():
            place = (table.schema, table.name)
            if place not in tables:
                continue
            source = ("build", table.history_of or table.name)
            query = relations.definition(reader, table.public)
            if query is not None and table.schema in domains:
                steps.append(step_of_query(*place, query, tables, "publish."))
            elif f"{table.schema}.{source[1]}" in wanted:
                steps.append(_copy(source, place, tables))
    return steps


def _copy(source: tuple[str, str], to: tuple[str, str], tables: Tables) -> Step:
    """A step that takes over the columns that both tables have."""
    columns = {column: [(*source, column)] for column in tables[to] if column in tables.get(source, {})}
    return _step(*to, {"reads": [source], "columns": columns}, tables, "publish.")


def _tables(reader: Any) -> Tables:
    found: Tables = {}
    for schema, table, column, kind in reader.execute(COLUMNS):
        found.setdefault((schema, table), {})[column] = kind
    return found


def place_of_table(schema: str, table: str) -> Place:
    """A table of the warehouse: `postgres://host:port`, `database.schema.table`."""
    from openlineage.client.naming.dataset import Postgres

    from revlog.database.connections import address

    parts = urlsplit(address())
    name = Postgres(
        parts.hostname or "localhost", str(parts.port or 5432), parts.path.strip("/"), schema, table
    )
    return Place(name.get_namespace(), name.get_name())


def place_of_file(path: str) -> Place:
    """A file of the landing zone, by its path as the zone's file system gives it."""
    from openlineage.client.naming import dataset as naming

    from revlog.config.settings import settings
    from revlog.ingestion import storage

    zone = urlsplit(settings().landing)
    bucket, _, key = path.strip("/").partition("/")
    name: naming.DatasetNaming
    if zone.scheme in storage.S3:
        name = naming.S3(bucket, key)
    elif zone.scheme in storage.GOOGLE:
        name = naming.GCS(bucket, key)
    elif zone.scheme in storage.AZURE:
        name = naming.ABFSS(bucket, _azure_account(zone.netloc), key)
    elif zone.scheme in storage.SFTP:
        name = naming.RemoteFileSystem(zone.hostname or "localhost", path)
    else:
        name = naming.LocalFileSystem(path)
    return Place(name.get_namespace(), name.get_name())


def _azure_account(host: str) -> str:
    from revlog.config.settings import variable

    _, at, service = host.partition("@")
    return service.partition(".")[0] if at else variable("AZURE_STORAGE_ACCOUNT_NAME", "unknown")


def kept(instance: Any, told: str) -> Iterable[Step]:
    """What a task told of its steps, for when it has ended; none where nobody listens. Never raises.

    `instance` is the task instance of Airflow that runs, `told` what its stage told.
    """
    with _never_raised(instance):
        from airflow.providers.openlineage.api import is_openlineage_active

        if hasattr(told, "steps") and is_openlineage_active():
            found: Iterable[Step] = told.steps()
            return found
    return ()


def ended(context: Mapping[str, Any]) -> None:
    """Send what a task has kept: its end is known to Airflow by now, so that no other task waits for this."""
    send(context["ti"], context.get("lineage", ()))


def send(instance: Any, steps: Iterable[Step]) -> None:
    """Send steps as children of a task's run; never raises, ends with the first failure."""
    with _never_raised(instance):
        from airflow.providers.openlineage.plugins.listener import get_openlineage_listener

        client = None
        for step in steps:
            client = client or get_openlineage_listener().adapter.get_or_create_openlineage_client()
            for event in events(step, *_parent(instance)):
                client.emit(event)


@contextlib.contextmanager
def _never_raised(instance: Any) -> Iterator[None]:
    """Log what goes wrong with lineage: no night is worth less for it."""
    try:
        yield
    except Exception as error:
        from revlog.config.redaction import without_secrets

        log.warning(
            "no lineage of %s: %s", instance.task_id, without_secrets(f"{type(error).__name__}: {error}")
        )


def _parent(instance: Any) -> tuple[str, str, str, str, str]:
    """Namespace, job and run of the task, then job and run of its DAG's run, as the provider names them."""
    from airflow.providers.openlineage.plugins import macros

    return (
        macros.lineage_job_namespace(), f"{instance.dag_id}.{instance.task_id}",
        macros.lineage_run_id(instance), instance.dag_id, macros.lineage_root_run_id(instance),
    )  # fmt: skip


def events(step: Step, namespace: str, job: str, run: str, root_job: str, root_run: str) -> list[RunEvent]:
    """START and COMPLETE of a step, as a child of the task `job` with this run and root."""
    from openlineage.client import event_v2 as event
    from openlineage.client.facet_v2 import job_type_job, parent_run
    from openlineage.client.uuid import generate_new_uuid

    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(run), job=parent_run.Job(namespace, job),
        root=parent_run.Root(run=parent_run.RootRun(root_run), job=parent_run.RootJob(namespace, root_job)),
    )  # fmt: skip
    kind = job_type_job.JobTypeJobFacet(
        processingType="BATCH", integration="REVERSE_LOGISTICS", jobType="STEP"
    )
    of_run = event.Run(str(generate_new_uuid()), {"parent": parent})
    of_job = event.Job(namespace, f"{job}.{step.job}", {"jobType": kind})
    inputs = [event.InputDataset(place.namespace, place.name) for place in step.inputs]
    now = dt.datetime.now(dt.UTC).isoformat()
    return [
        event.RunEvent(
            eventTime=now, run=of_run, job=of_job, eventType=state, producer=PRODUCER,
            inputs=inputs if is_end else [], outputs=[_output(step)] if is_end else [],
        )
        for state, is_end in ((event.RunState.START, False), (event.RunState.COMPLETE, True))
    ]  # fmt: skip


def _output(step: Step) -> Any:
    from openlineage.client import event_v2 as event
    from openlineage.client.facet_v2 import column_lineage_dataset as lineage
    from openlineage.client.facet_v2 import schema_dataset as schema

    fields = {
        column: lineage.Fields(
            [
                lineage.InputField(
                    origin.place.namespace, origin.place.name, origin.column,
                    [lineage.Transformation("DIRECT", masking=origin.masked)],
                )
                for origin in origins
            ]
        )
        for column, origins in step.columns.items()
    }  # fmt: skip
    columns = [schema.SchemaDatasetFacetFields(name, kind) for name, kind in step.types.items()]
    facets: dict[str, Any] = {
        "columnLineage": lineage.ColumnLineageDatasetFacet(fields),
        "schema": schema.SchemaDatasetFacet(columns),
    }
    return event.OutputDataset(step.output.namespace, step.output.name, facets=facets)
