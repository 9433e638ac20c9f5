"""The rules of lineitem.dqdl that need one table, as one would write them by hand: one aggregate SELECT, one
query per grouping, plain DuckDB. The baseline that `dq evaluate` is measured against."""

from __future__ import annotations

import sys

import duckdb

ROWS = """
SELECT count(*),
  count(l_orderkey), count(l_partkey), count(l_suppkey), count(l_linenumber), count(l_quantity), count(l_extendedprice),
  count(l_shipdate), count(l_returnflag), count(l_comment), count(l_shipinstruct), count(l_batch), count(l_taxcode),
  count_if(l_quantity > 0 AND l_quantity < 51),
  count_if(l_discount > -0.01 AND l_discount < 0.11),
  count_if(l_tax >= 0),
  count_if(l_returnflag IN ('R', 'A', 'N')),
  count_if(l_linestatus IN ('O', 'F')),
  count_if(l_shipmode IN ('AIR', 'FOB', 'MAIL', 'RAIL', 'REG AIR', 'SHIP', 'TRUCK')),
  count_if(regexp_full_match(l_batch, 'B-[0-9]{9,10}-[0-9]{2}')),
  count_if(regexp_full_match(l_comment, '[A-Za-z .,;:?!''-]*')),
  count_if(l_shipdate > DATE '1991-12-31' AND l_shipdate < DATE '1999-01-01'),
  count_if(l_receiptdate > DATE '1992-01-01'),
  count_if(length(l_comment) > 0 AND length(l_comment) < 45),
  avg(l_quantity), sum(l_extendedprice), stddev_pop(l_discount), avg(l_extendedprice),
  corr(l_quantity, l_extendedprice),
  count_if(l_extendedprice > 900 AND l_returnflag = 'R'), count_if(l_returnflag = 'R'),
  count(CASE WHEN l_linestatus = 'F' THEN l_comment END), count_if(l_linestatus = 'F'),
  count_if(try_cast(l_taxcode AS DOUBLE) IS NOT NULL),
  count_if(try_cast(l_shipdate_s AS DATE) IS NOT NULL),
  count_if(l_receiptdate < l_shipdate),
  sum(l_extendedprice * (1 - l_discount))
FROM lineitem
"""
GROUPS = (
    ("count_if(n = 1), sum(n)", "l_orderkey, l_linenumber"),
    ("count_if(n = 1), sum(n)", "l_batch"),
    ("count_if(n = 1), sum(n), count(*)", "l_partkey"),
    ("count_if(n = 1), count(*)", "l_suppkey"),
    ("count(*), -sum(n / 6001830 * ln(n / 6001830))", "l_shipmode"),
    ("count(*)", "l_returnflag"),
)


def main(path: str) -> None:
    connection = duckdb.connect()
    connection.read_parquet(path).create_view("lineitem")
    print(connection.execute(ROWS).fetchall())
    for aggregates, keys in GROUPS:
        query = f"SELECT {aggregates} FROM (SELECT {keys}, count(*) AS n FROM lineitem GROUP BY {keys})"
        print(connection.execute(query).fetchall())


if __name__ == "__main__":
    main(sys.argv[1])
