"""Row-level outcomes: which rows pass, which fail, by which rules. Source: REFERENCE F.5."""
