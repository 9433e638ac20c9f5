"""Where tables live and scans run."""
