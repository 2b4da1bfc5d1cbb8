"""The base models that can be fine-tuned, by date and region, and what a training of one costs.

Dated facts of the service, in catalogue.yaml; a project may lay its own over them.
"""
