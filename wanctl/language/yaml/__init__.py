"""YAML as wanctl reads it: bounded, with the place of each value, and with its errors in plain words."""
