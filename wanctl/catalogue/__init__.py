"""The base models that can be fine-tuned, by date and region, and what a training of one costs.

Dated facts of the service, a file for each edition; a project names one and may lay its own over it.
"""
