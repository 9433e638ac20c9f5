"""How the settings of a catalog reach S3, in the words of each library."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dq.catalog.lakes import CONNECT_SECONDS, REQUEST_SECONDS
from dq.diagnostics import DqError

STORE_SETTINGS = ("endpoint", "region", "profile", "access_key", "secret_key", "session_token", "anonymous")


class Keys(NamedTuple):
    """An access key, its secret and its session token."""

    access: str | None = None
    secret: str | None = None
    token: str | None = None


NO_KEYS = Keys()


@dataclass(frozen=True, slots=True)
class Store:
    """S3 as the settings of a catalog say, and the environment where they are silent. Nothing is empty but None."""

    endpoint: str | None = None
    region: str | None = None
    keys: Keys = NO_KEYS
    anonymous: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Store:
        """A store from the STORE_SETTINGS among the settings of a catalog.

        Raises:
            DqError: the profile is not there, or boto3, which reads profiles, is not installed.
        """
        environment = os.environ.get
        endpoint = settings.get("endpoint") or environment("AWS_ENDPOINT_URL_S3") or environment("AWS_ENDPOINT_URL")
        region = settings.get("region") or environment("AWS_REGION") or environment("AWS_DEFAULT_REGION")
        keys = Keys(*(settings.get(name) for name in ("access_key", "secret_key", "session_token")))
        if (profile := settings.get("profile")) and not keys.access:
            region, keys = _profile(profile, region)
        return cls(endpoint, region or ("us-east-1" if endpoint else None), keys, bool(settings.get("anonymous")))

    def iceberg(self) -> dict[str, str]:
        """Properties of pyiceberg; the keys serve Glue as well."""
        given = {
            "s3.endpoint": self.endpoint,
            "client.region": self.region,
            "client.access-key-id": self.keys.access,
            "client.secret-access-key": self.keys.secret,
            "client.session-token": self.keys.token,
            "s3.anonymous": "true" if self.anonymous else None,
            "s3.connect-timeout": str(CONNECT_SECONDS),
            "s3.request-timeout": str(REQUEST_SECONDS),
        }
        return {name: value for name, value in given.items() if value is not None}

    def delta(self) -> dict[str, str]:
        """Storage options of deltalake."""
        given = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.keys.access,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret,
            "AWS_SESSION_TOKEN": self.keys.token,
            "AWS_SKIP_SIGNATURE": "true" if self.anonymous else None,
            "allow_http": "true" if self.endpoint and self.endpoint.startswith("http:") else None,
            "connect_timeout": f"{CONNECT_SECONDS}s",
            "timeout": f"{REQUEST_SECONDS}s",
            "max_retries": "3",
            "retry_timeout": f"{REQUEST_SECONDS}s",
        }
        return {name: value for name, value in given.items() if value is not None}

    def arrow(self, bucket: str) -> Any:
        """Arrow's file system, to list a bucket."""
        from pyarrow import fs

        options: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "request_timeout": REQUEST_SECONDS}
        if self.endpoint:
            parts = urlsplit(self.endpoint)
            options |= {"endpoint_override": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme or "https"}
        if self.anonymous:
            options["anonymous"] = True
        elif self.keys.access:
            options |= {
                "access_key": self.keys.access,
                "secret_key": self.keys.secret,
                "session_token": self.keys.token,
            }
        return fs.S3FileSystem(region=self.region or fs.resolve_s3_region(bucket), **options)


def _profile(name: str, region: str | None) -> tuple[str | None, Keys]:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        raise DqError(
            "the setting `profile` needs boto3, which is not installed", help='pip install "dq-rules[aws]"'
        ) from None
    try:
        session = boto3.Session(profile_name=name)
        found = session.get_credentials()
    except BotoCoreError as error:
        raise DqError(f"the profile `{name}` cannot be used: {error}") from None
    if found is None:
        raise DqError(f"the profile `{name}` has no credentials")
    keys = found.get_frozen_credentials()
    return region or session.region_name, Keys(keys.access_key, keys.secret_key, keys.token)
