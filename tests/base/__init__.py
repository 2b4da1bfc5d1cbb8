"""Tests of wanctl/base, which several rooms use."""
