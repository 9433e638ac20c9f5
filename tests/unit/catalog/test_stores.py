"""How S3 is reached: settings first, then the environment, in the words of each library."""

from __future__ import annotations

from pathlib import Path

import pytest

from dq.catalog.iceberg import properties
from dq.catalog.stores import delta, iceberg
from dq.diagnostics import DqError
from dq.files.stores import Store, s3_system, store_of

SETTINGS = {
    "endpoint": "http://127.0.0.1:9000",
    "region": "eu-central-1",
    "access_key": "key",
    "secret_key": "secret",
    "session_token": "token",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "[profile lakes]\nregion = eu-west-1\naws_access_key_id = of-profile\naws_secret_access_key = hush\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


def test_settings_are_told_to_each_library() -> None:
    store = store_of(SETTINGS)
    assert iceberg(store) == {
        "s3.endpoint": "http://127.0.0.1:9000",
        "client.region": "eu-central-1",
        "client.access-key-id": "key",
        "client.secret-access-key": "secret",
        "client.session-token": "token",
        "s3.connect-timeout": "10",
        "s3.request-timeout": "30",
    }
    told = delta(store)
    assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"
    assert (told["allow_http"], told["timeout"], told["AWS_SESSION_TOKEN"]) == ("true", "30s", "token")
    assert s3_system(store, "bucket").type_name == "s3"


def test_the_environment_fills_what_settings_leave_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert store_of({}).of_s3() == Store()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://store.example")
    assert store_of({}).of_s3() == Store("https://store.example", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert store_of({"endpoint": "http://other"}).of_s3() == Store("http://other", "eu-north-1")
    assert "allow_http" not in delta(store_of({}))


@pytest.mark.parametrize("how", ["settings", "environment"])
def test_reading_without_credentials(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "environment":
        monkeypatch.setenv("AWS_NO_SIGN_REQUEST", "true")
    store = store_of({"region": "us-east-1", "anonymous": how == "settings"})
    assert iceberg(store)["s3.anonymous"] == "true"
    assert delta(store)["AWS_SKIP_SIGNATURE"] == "true"
    assert s3_system(store, "bucket").type_name == "s3"


def test_a_profile_gives_its_keys_and_its_region() -> None:
    found = store_of({"profile": "lakes"}).of_s3()
    assert found == Store("", "eu-west-1", "lakes", "of-profile", "hush")
    own = store_of({"profile": "lakes", "access_key": "own", "secret_key": "s"}).of_s3()
    assert (own.access_key, own.secret_key, own.region) == ("own", "s", "")
    with pytest.raises(DqError, match="the profile `nope` cannot be used"):
        store_of({"profile": "nope"}).of_s3()


def test_settings_that_are_not_ours_are_handed_over_and_win() -> None:
    given = properties({**SETTINGS, "type": "rest", "uri": "x", "s3.endpoint": "http://own", "flag": True, "number": 5})
    assert (given["s3.endpoint"], given["flag"], given["number"]) == ("http://own", "true", "5")
    assert "uri" not in given
    assert "endpoint" not in given
