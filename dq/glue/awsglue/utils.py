"""The arguments of a job."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


class GlueArgumentError(Exception):
    """An argument that the job needs and was not given."""


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:  # noqa: N802 - as it is called
    """The values of `--NAME value`; `JOB_NAME` is `local` where it is not given.

    Raises:
        GlueArgumentError: another one is not given.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in options:
        parser.add_argument(f"--{name}", dest=name)
    found = {
        name: value for name, value in vars(parser.parse_known_args(list(args)[1:])[0]).items() if value is not None
    }
    found = {"JOB_NAME": "local", **found} if "JOB_NAME" in options else found
    if missing := [name for name in options if name not in found]:
        raise GlueArgumentError(f"the job needs --{missing[0]}")
    return found
