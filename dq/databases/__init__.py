"""Queries of ours answered by databases: what each of them can say with the same meaning, and no more."""
