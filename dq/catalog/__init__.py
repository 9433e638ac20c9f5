"""Tables by name: the catalogs that hold them, and the project that declares these."""
