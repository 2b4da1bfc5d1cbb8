"""Specs: YAML → resources and settings, with the place of each value.

`load.load_project` reads them; everything else is pure and works on what it loaded.
"""
