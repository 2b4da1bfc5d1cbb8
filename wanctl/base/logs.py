"""Filters on the log of the HTTP library, whose loggers write addresses that may be signed or secret."""

import logging

HTTP_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


def filter_http_logs(one: logging.Filter) -> None:
    """May be called any number of times: a logger takes the same filter once."""
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(one)
