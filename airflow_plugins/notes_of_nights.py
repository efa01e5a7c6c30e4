"""Notes of a night's run and its tasks, which the DAG's page shows: date, rows, refusals, why it failed.

A task can't write its note itself in Airflow 3.3. It leaves the text as an XCom, and this, in the scheduler,
makes notes of them when the run ends. A note that a person has written stays.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.listeners import hookimpl
from airflow.models.dagrun import DagRunNote
from airflow.models.taskinstance import TaskInstance, TaskInstanceNote
from airflow.models.xcom import XComModel
from airflow.plugins_manager import AirflowPlugin
from airflow.utils.session import create_session
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.orm import object_session

from revlog.night.notices import TOLD
from revlog.outputs.escaping import markdown_block

log = logging.getLogger(__name__)
MOST_CHARACTERS = 1000  # of Airflow's column
# Tasks whose text is the night's own, by what is of more weight.
SAYS_ALL = ("publish", "landed")
MOST_OF_A_LINE = 200
# What Markdown makes something of, in a heading: a path is none of it, an address is.
PLAIN = re.compile(r"[^\w ,.:;%()/-]|(?<=/)/")


@hookimpl
def on_dag_run_running(dag_run: Any, msg: str) -> None:
    """Tell at once which night it is."""
    if dag_run.partition_key:
        _write(dag_run, has_ended=False)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Tell what the night brought."""
    _write(dag_run, has_ended=True)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Tell what the night brought, and why it stopped."""
    _write(dag_run, has_ended=True)


def note_of_run(night: str | None, texts: dict[str, str], failed: list[str]) -> str:
    """The run's note: its night, what tasks that failed said, and what was landed or published.

    `texts` is by task; `failed` are those that failed.
    """
    said = [f"{task} failed: {texts.get(task) or 'see its log'}" for task in failed]
    said += [texts[task] for task in SAYS_ALL if task in texts and task not in failed]
    # The page of a run shows the first line alone, until one opens the note.
    first = f"{', '.join(failed)} failed" if failed else _first_line("".join(said[:1]))
    head = ": ".join(part for part in (f"Night of {night}" if night else "", first) if part)
    return _note(head, "\n".join(said))


def note_of_task(text: str) -> str:
    """A task's note: the first line of what it told, and all of it where that is more."""
    head = _first_line(text)
    return _note(head, "" if head == text else text)


def _first_line(text: str) -> str:
    return PLAIN.sub(" ", text.partition("\n")[0])[:MOST_OF_A_LINE]


def _note(head: str, text: str) -> str:
    """Heading and text as Markdown that shows the text as it is, within the column's width."""
    room = MOST_CHARACTERS - len(head) - 20
    cut = text if len(text) <= room else text[: room - 1] + "…"
    return "\n\n".join(part for part in (head, markdown_block(cut) if cut else "") if part)


def _write(dag_run: Any, has_ended: bool) -> None:
    """Set the notes; where that fails, the scheduler goes on without them."""
    try:
        with _within(dag_run) as connection:
            told = _told(connection, dag_run) if has_ended else {}
            if told or dag_run.partition_key:
                _set_all(connection, dag_run, told)
    except Exception:
        log.exception("no notes of %s %s", dag_run.dag_id, dag_run.run_id)


@contextmanager
def _within(dag_run: Any) -> Iterator[Connection]:
    """A savepoint of the scheduler's own transaction, which has the run locked; else one of our own.

    On the connection, past the session: the scheduler lets nobody commit its session, not even a savepoint,
    and a flush that failed would end its work.
    """
    session = object_session(dag_run)
    if session is not None:
        with session.no_autoflush, session.connection().begin_nested():
            yield session.connection()
        return
    with create_session() as own:
        yield own.connection()


def _told(connection: Connection, run: Any) -> dict[tuple[str, int], str]:
    """What tasks left for their notes, by task and map index."""
    found = connection.execute(
        select(XComModel.task_id, XComModel.map_index, XComModel.value).where(
            XComModel.dag_id == run.dag_id, XComModel.run_id == run.run_id, XComModel.key == TOLD
        )
    )
    return {(row.task_id, row.map_index): str(XComModel.deserialize_value(row)) for row in found}


def _set_all(connection: Connection, run: Any, told: dict[tuple[str, int], str]) -> None:
    tasks = connection.execute(
        select(TaskInstance.id, TaskInstance.task_id, TaskInstance.map_index, TaskInstance.state).where(
            TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id
        )
    ).all()
    for task in tasks if told else ():
        if text := told.get((task.task_id, task.map_index)):
            _set(connection, TaskInstanceNote.ti_id, task.id, note_of_task(text))
    failed = sorted({task.task_id for task in tasks if task.state == "failed"}) if told else []
    texts = {name: text for (name, _), text in told.items()}
    _set(connection, DagRunNote.dag_run_id, run.id, note_of_run(run.partition_key, texts, failed))


def _set(connection: Connection, key: Any, value: Any, text: str) -> None:
    """Set a note where there is none, or one of ours: a person's has its author."""
    notes = key.class_.__table__
    column = notes.c[key.key]
    there = connection.execute(select(notes.c.user_id).where(column == value)).first()
    if there is None:
        connection.execute(insert(notes).values({column: value, notes.c.content: text}))
    elif there.user_id is None:
        connection.execute(update(notes).where(column == value).values(content=text))


class NotesOfNights(AirflowPlugin):
    """Airflow's listeners of this module."""

    name = "notes_of_nights"
    listeners = (sys.modules[__name__],)
