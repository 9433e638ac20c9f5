"""Files as what is judged: their sizes, times and contents, wherever they lie.

    path of a rule ─places→ place ─local, remote→ listing ─measuring→ states

The rows inside of files are not looked at here: that is `dq.sources` and the engines.
"""
