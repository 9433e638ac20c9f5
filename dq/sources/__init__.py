"""The user's data as named tables: `options.ReadOptions` says how to read, `tables.Tables` opens.

Nothing is imported here: `Tables` needs DuckDB, `ReadOptions` does not.
"""
