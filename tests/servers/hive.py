"""A Hive metastore over loopback, as far as reading Iceberg tables goes, in Hive's own protocol."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

from hive_metastore import ThriftHiveMetastore
from hive_metastore.ttypes import Database, NoSuchObjectException, StorageDescriptor, Table
from pyiceberg.catalog.sql import SqlCatalog
from thrift.protocol import TBinaryProtocol
from thrift.transport import TTransport


class Metastore:
    """Answers for the tables of another catalog of this process."""

    def __init__(self, catalog: SqlCatalog) -> None:
        self.catalog = catalog

    def get_all_databases(self) -> list[str]:
        return [".".join(each) for each in self.catalog.list_namespaces()]

    def get_database(self, name: str) -> Any:
        if name not in self.get_all_databases():
            raise NoSuchObjectException(name)
        return Database(name=name, parameters={})

    def get_all_tables(self, db_name: str) -> list[str]:
        self.get_database(db_name)
        return [each[-1] for each in self.catalog.list_tables(db_name)]

    def get_table_objects_by_name(self, dbname: str, tbl_names: list[str]) -> list[Any]:
        return [self.get_table(dbname, each) for each in tbl_names]

    def get_table(self, dbname: str, tbl_name: str) -> Any:
        if tbl_name not in self.get_all_tables(dbname):
            raise NoSuchObjectException(f"{dbname}.{tbl_name}")
        table = self.catalog.load_table((dbname, tbl_name))
        parameters = {"table_type": "ICEBERG", "metadata_location": table.metadata_location}
        place = StorageDescriptor(location=table.location(), cols=[])
        return Table(
            dbName=dbname,
            tableName=tbl_name,
            tableType="EXTERNAL_TABLE",
            parameters=parameters,
            sd=place,
            owner="tests",
        )


@contextmanager
def serving(catalog: SqlCatalog) -> Iterator[str]:
    """The address of a metastore that lives as long as the block."""
    processor = ThriftHiveMetastore.Processor(Metastore(catalog))

    class Answering(socketserver.StreamRequestHandler):
        rbufsize = 0  # what has come is given, not what is asked for

        def handle(self) -> None:
            asked, said = (
                TBinaryProtocol.TBinaryProtocol(TTransport.TBufferedTransport(TTransport.TFileObjectTransport(file)))
                for file in (self.rfile, self.wfile)
            )
            with suppress(TTransport.TTransportException, EOFError):  # the client has hung up
                while True:
                    processor.process(asked, said)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"thrift://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
