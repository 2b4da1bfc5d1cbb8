"""The things that wanctl keeps, a folder each. `kind` is what they have in common, `registry` holds them."""
