"""What can go wrong with a call to a cluster, by what is known of its effect; each is a sentence."""

from wanctl.base.errors import WanctlError


class KubernetesError(WanctlError):
    """A call to a cluster failed. `status` is that of its answer, None where there was none."""

    def __init__(
        self,
        message: str,
        remedy: str | None = None,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.retry_after = retry_after


class ClusterConfigError(KubernetesError):
    """Nothing was called: it is not known where the cluster is, or who we are there."""


class NoSuchObjectError(KubernetesError):
    """There is no such object, or the cluster does not know its kind."""


class StaleVersionError(KubernetesError):
    """The object is another one than was read; nothing was written."""


class ObjectExistsError(KubernetesError):
    """An object of this name is there already; nothing was written."""


class VersionGoneError(KubernetesError):
    """The cluster remembers nothing as old as this: it has to be listed anew."""


class AccessRefusedError(KubernetesError):
    """The cluster does not know us, or we may not do this."""


class RejectedObjectError(KubernetesError):
    """The cluster does not take the object as it is; nothing was written."""


class ObjectTooLargeError(RejectedObjectError):
    """More than one object may hold."""


class ClusterBusyError(KubernetesError):
    """The call was turned away, or failed inside the cluster: the same one may do a moment later."""


class ClusterUnreachableError(KubernetesError):
    """The call never reached the cluster."""


class NoAnswerError(KubernetesError):
    """The call left, and no usable answer came: what it was to write may be written."""
