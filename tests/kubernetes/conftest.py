"""A real API server, where the machine has one: else the tests that ask for it say what is missing."""

from tests.kubernetes.fixtures import cluster as cluster
from tests.kubernetes.fixtures import kubeconfig as kubeconfig
