"""The grammar of DQDL. Data only: nothing here is code."""
