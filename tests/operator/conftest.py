"""A real API server, where the machine has one."""

from tests.kubernetes.fixtures import cluster as cluster
from tests.kubernetes.fixtures import kubeconfig as kubeconfig
