"""A PostgreSQL server of the tests, made of Debian's binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "open#sesame%41"
"""Of the user `locked`, the only one who needs one; it has signs that URLs and SQL take for their own."""

ACCESS = """\
host all locked 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
local all all trust
"""

SETTINGS = "-c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c synchronous_commit=off"


@dataclass(frozen=True)
class Server:
    """A running server. Its superuser is `dq`."""

    binaries: Path
    folder: Path
    port: int

    def url(self, user: str = "dq", database: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} {SETTINGS}"
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-l", self.folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "20", "-m", "immediate", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        from adbc_driver_postgresql import dbapi

        with (
            closing(dbapi.connect(self.url(database=database), autocommit=True)) as connection,
            closing(connection.cursor()) as cursor,
        ):
            for each in statements:
                cursor.execute(each)
            return cursor.fetchall() if cursor.description else []

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *words: str | Path) -> None:
        """Run as someone whom the server allows: it refuses root."""
        who: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [self.binaries / program, *words], cwd=self.folder, check=True, timeout=60, stdout=subprocess.DEVNULL, **who
        )

    def make(self) -> None:
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        words = ("-U", "dq", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self._run("initdb", "-D", self.data, *words)
        (self.data / "pg_hba.conf").write_text(ACCESS)


@contextmanager
def postgres() -> Iterator[Server]:
    """A server that answers, and ends with the block. Skips where there are no binaries."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    if not found:
        pytest.skip("PostgreSQL IS NOT TESTED: install Debian's package postgresql (make servers)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="dq-postgres-"))
    server = Server(found[-1].parent, folder, port)
    try:
        server.make()
        server.start()
        server.run(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if (server.data / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
