"""What a user writes: YAML → resources with their positions, settings, the catalogue of base models.

`load.load_project` is the door; everything else is pure and works on what it loaded.
"""
