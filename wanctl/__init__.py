"""wanctl: infrastructure as code for fine-tuned Wan video models."""

__version__ = "0.1.0"
