"""A MariaDB server, as Debian packages it."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds to wait for a server that starts."""

ADMIN, PASSWORD = "dq admin", "kept@secret/%1"

OPTIONS = (
    "--no-defaults",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--max-connections=40",
    "--log-warnings=1",
)


@dataclass
class Server:
    """A server that runs, and how to reach it."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def socket(self) -> str:
        return str(self.folder / "s")

    def connect(self, database: str | None = None) -> Any:
        """A connection of somebody who may do everything."""
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=ADMIN, password=PASSWORD, database=database, autocommit=True,
            charset="utf8mb4",
        )  # fmt: skip

    def run(self, *statements: str, database: str | None = None) -> None:
        with self.connect(database) as connection, connection.cursor() as cursor:
            for each in statements:
                cursor.execute(each)

    def url(self, database: str = "", user: str = ADMIN, password: str = PASSWORD, query: str = "") -> str:
        from urllib.parse import quote

        secret = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"mysql://{secret}@127.0.0.1:{self.port}/{database}{query}"


@cache
def shared() -> Server:
    """The server of this process, started once and ended with it. It can encrypt where there is openssl."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running())


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server of its own, ended by its own process id."""
    if not (shutil.which("mariadbd") and shutil.which("mariadb-install-db")):
        pytest.skip("NOT TESTED: there is no MariaDB server here; Debian's package is `mariadb-server`")
    folder = Path(tempfile.mkdtemp(prefix="dq-mariadb-", dir="/tmp"))  # a short path: it holds a socket
    as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": ()} if os.geteuid() == 0 else {}
    if as_nobody:
        shutil.chown(folder, "nobody", "nogroup")
    try:
        with (folder / "log").open("wb") as log:
            common: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, **as_nobody}
            subprocess.run(
                ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/d", "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--innodb-log-file-size=16M"],
                check=True, timeout=PATIENCE, **common,
            )  # fmt: skip
            (folder / "init.sql").write_text(
                f"CREATE USER '{ADMIN}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
                f"GRANT ALL ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION;\n"
            )
            port = _free_port()
            options += _certificate(folder)
            process = subprocess.Popen(
                ["mariadbd", *OPTIONS, f"--datadir={folder}/d", f"--socket={folder}/s", f"--pid-file={folder}/pid",
                 f"--port={port}", f"--init-file={folder}/init.sql", *options],
                **common,
            )  # fmt: skip
        server = Server(port, folder, process)
        try:
            _wait(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _certificate(folder: Path) -> tuple[str, ...]:
    """The options of a server that shows a certificate of its own for 127.0.0.1; none where openssl is not there."""
    if not shutil.which("openssl"):
        return ()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=dq", "-days", "2",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, timeout=PATIENCE, capture_output=True,
    )  # fmt: skip
    key.chmod(0o644)  # the server runs as somebody else, and the key is worth nothing
    return f"--ssl-cert={certificate}", f"--ssl-key={key}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(server: Server) -> None:
    import pymysql

    until = time.monotonic() + PATIENCE
    while True:
        try:
            server.connect().close()
            return
        except pymysql.Error as error:
            if server.process.poll() is not None or time.monotonic() > until:
                said = (server.folder / "log").read_text(errors="replace")[-2000:]
                raise AssertionError(f"MariaDB does not start: {error}\n{said}") from error
            time.sleep(0.1)
