"""The project file, dq.toml: catalogs, tables by name, and checks to run."""
