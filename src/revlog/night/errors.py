"""The two ways in which a stage fails; light to import, since DAG files name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revlog.night.findings import Finding


class ConnectionBroken(RuntimeError):
    """Database or landing zone went away or took no connection; the same stage may succeed a little later."""


class NightFailed(RuntimeError):
    """The night can't go on: a check failed or an input is wrong. Trying again changes nothing.

    `findings` are the checks that said no, where it was checks; the message has them, too.
    """

    findings: tuple[Finding, ...] = ()
