"""A store of S3 in the words of pyiceberg and of deltalake."""

from __future__ import annotations

from dq.files.stores import CONNECT_SECONDS, REQUEST_SECONDS, Store


def iceberg(store: Store) -> dict[str, str]:
    """Properties of pyiceberg; the keys serve Glue as well.

    Raises:
        FilesError: as `Store.of_s3`.
    """
    store = store.of_s3()
    given = {
        "s3.endpoint": store.endpoint,
        "client.region": store.region,
        "client.access-key-id": store.access_key,
        "client.secret-access-key": store.secret_key,
        "client.session-token": store.session_token,
        "s3.anonymous": "true" if store.anonymous else "",
        "s3.connect-timeout": str(CONNECT_SECONDS),
        "s3.request-timeout": str(REQUEST_SECONDS),
    }
    return {name: value for name, value in given.items() if value}


def delta(store: Store) -> dict[str, str]:
    """Storage options of deltalake.

    Raises:
        FilesError: as `Store.of_s3`.
    """
    store = store.of_s3()
    given = {
        "AWS_ENDPOINT_URL": store.endpoint,
        "AWS_REGION": store.region,
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_SESSION_TOKEN": store.session_token,
        "AWS_SKIP_SIGNATURE": "true" if store.anonymous else "",
        "allow_http": "true" if store.endpoint.startswith("http:") else "",
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "timeout": f"{REQUEST_SECONDS}s",
        "max_retries": "3",
        "retry_timeout": f"{REQUEST_SECONDS}s",
    }
    return {name: value for name, value in given.items() if value}
