"""Keeps signed URLs out of the HTTP library's own log lines. Signatures stand in the query, so all go."""

import logging

from wanctl.studio.objects import without_queries

_CHATTY = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = without_queries(record.getMessage()), ()
        return True


_FILTER = _WithoutQueries()


def keep_signatures_out_of_logs() -> None:
    """May be called any number of times: a logger takes the same filter once."""
    for name in _CHATTY:
        logging.getLogger(name).addFilter(_FILTER)
