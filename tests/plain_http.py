"""Requests to servers on this machine: one client for all tests, since each new one reads every certificate
that the machine trusts. It goes through no proxy and holds no connection open."""

import httpx

http = httpx.Client(trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
