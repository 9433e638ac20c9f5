"""Clients of AWS, or of a server that speaks its protocols, as the settings of a catalog say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dq.diagnostics import DataError, DqError

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 5
"""How long a request may take, and how often one is tried that was throttled or lost, with backoff between."""


def client(service: str, settings: Mapping[str, Any], endpoint: str | None = None) -> Any:
    """A client of a service. It makes no request; credentials come from the settings, else from where AWS looks.

    Raises:
        DqError: a profile that does not exist, or no region.
    """
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
    }
    if settings.get("anonymous"):
        options["signature_version"] = UNSIGNED
    try:
        session = boto3.session.Session(profile_name=settings.get("profile"), region_name=settings.get("region"))
        return session.client(
            service,
            endpoint_url=endpoint or settings.get("endpoint"),
            aws_access_key_id=settings.get("access_key"),
            aws_secret_access_key=settings.get("secret_key"),
            aws_session_token=settings.get("session_token"),
            config=Config(**options),
        )
    except (BotoCoreError, ValueError) as error:
        raise DqError(f"AWS cannot be asked: {error}", help="set `region` and credentials, or a `profile`") from error


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what AWS answers into an error about `what`, in its own words.

    Raises:
        DataError: a request that failed, after its retries.
    """
    try:
        yield
    except ClientError as error:
        said = error.response.get("Error", {})
        words = " ".join(re.sub(r"<[^>]*>", " ", said.get("Message") or str(error)).split())  # some answer in HTML
        raise DataError(f"{what}: {words[:300]} ({said.get('Code', 'no code')})") from error
    except BotoCoreError as error:
        raise DataError(f"{what}: {error}") from error


def is_missing(error: BaseException) -> bool:
    """Whether an error of `told` says that a thing does not exist."""
    cause = error.__cause__
    if not isinstance(cause, ClientError):
        return False
    return cause.response.get("Error", {}).get("Code") in ("ResourceNotFoundException", "EntityNotFoundException")


def held(answer: Mapping[str, Any], key: str) -> Any:
    """What an answer must hold; one that was cut on its way holds nothing.

    Raises:
        DataError: it does not hold it.
    """
    if key not in answer:
        raise DataError(f"an answer of AWS without `{key}`: it was cut on its way", help="try again")
    return answer[key]
