"""Real servers that tests start on private ports and folders, and end by their own process."""
