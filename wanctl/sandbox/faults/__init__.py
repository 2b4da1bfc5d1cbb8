"""Arranged faults: rules for calls, and quirks and endings of the service."""
