"""Rules of specs whose values are valid one by one: references, advice, and how datasets are used."""
