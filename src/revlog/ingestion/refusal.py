"""What an exception says of a file: no file ends the load of its neighbours, whatever it does."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import psycopg

from revlog.config.refusal import Refusal
from revlog.contracts.contract import ContractError
from revlog.values.reasons import FileRejected, Rejection

log = logging.getLogger(__name__)
HERE = Path(__file__).parents[1]
# Of PostgreSQL's limits on one row, key or document; 53, insufficient resources, is the server's own.
LIMIT_CLASS = "54"


def refused(error: Exception, name: str) -> FileRejected | None:
    """The rejection of a file that raised this; None where the error is not the file's but the run's."""
    if isinstance(error, FileRejected):
        return error
    if isinstance(error, Refusal | ContractError) or _is_of_the_server(error):
        return None
    if isinstance(error, OSError):
        return FileRejected(Rejection.UNREADABLE, _unreadable(error))
    if isinstance(error, MemoryError):
        return FileRejected(Rejection.UNREADABLE, "it needs more memory than there is; deliver it in parts")
    return FileRejected(Rejection.INTERNAL_ERROR, _unexpected(error, name))


def _is_of_the_server(error: Exception) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    is_of_values = isinstance(error, psycopg.DataError | psycopg.IntegrityError | psycopg.NotSupportedError)
    return not is_of_values and not (error.sqlstate or "").startswith(LIMIT_CLASS)


def _unreadable(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "the loader may not read it; give its user the right to"
    if isinstance(error, FileNotFoundError):
        return "it went away before it was read; deliver it again"
    return f"the storage says: {error.strerror or type(error).__name__}; the next run tries again"


def _unexpected(error: Exception, name: str) -> str:
    """Kind and place, and not the error's own words, which may hold values of the file."""
    frames = traceback.extract_tb(error.__traceback__)
    log.error("%s: %s\n%s", name, type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
    own = [f for f in frames if HERE in Path(f.filename).parents] or frames
    place = f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
    state = f" {error.sqlstate}" if isinstance(error, psycopg.Error) else ""
    return (
        f"the loader met what it does not know, {type(error).__name__}{state}{place}: please report this, "
        "with the layout and a file like it. Nothing of the file was loaded"
    )
