"""File names and addresses as they may stand in a message."""

from __future__ import annotations

import re

LONGEST = 300
"""Characters of a library's message that are shown."""

_SECRETS = re.compile(r"(?i)([\w.-]*(?:key|secret|token|signature|password|credential)[\w.-]*\s*[=:]\s*)[^&\s,;'\"]+")
_USER = re.compile(r"(?<=://)[^/\s@]+@|[^/\s@:]+:[^/\s@:]+@")
_QUERY = re.compile(r"(?i)(https?://[^\s?'\"]+)\?[^\s'\"]*")


def visible(name: str) -> str:
    """A file name in one line: line feeds, control characters and bytes that are no text are escaped."""
    return name if name.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def without_query(path: str) -> str:
    """A path; the query of a web address, which may hold a signature, is left out."""
    return path.partition("?")[0] if path.lower().startswith(("http:", "https:")) else path


def hidden(text: str) -> str:
    """A message of a library in one line, without what may be a credential."""
    line = _USER.sub("", " ".join(text.split()))
    line = _SECRETS.sub(r"\1…", _QUERY.sub(r"\1", line))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def path_of_url(path: str) -> str:
    """The path of a `file://` URL. Late, since the module brings an HTTP client with it."""
    from urllib.request import url2pathname

    return url2pathname(path)
