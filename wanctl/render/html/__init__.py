"""For browsers: pages and pictures that load nothing."""
