"""The names and digests by which our objects are known again. Pure functions of values."""

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from wanctl.address import NAME, Address
from wanctl.language.models import Deployment as DeploymentSpec
from wanctl.studio.objects import Job

LONGEST_NUMBER = 40  # digits that are written out; beyond, numbers are spelled with their exponent


def canonical_number(value: Any) -> Any:
    """Numbers compare by value, however they are spelled: 2.0E-5, "2e-5" and 0.00002 are one."""
    if isinstance(value, bool) or value is None:
        return value
    try:
        number = Decimal(str(value)).normalize()
    except (ArithmeticError, ValueError):  # not a number, or one beyond all that can be calculated
        return value
    if not number.is_finite():
        return value
    return format(number, "f") if abs(number.adjusted()) <= LONGEST_NUMBER else str(number)


def digest_of(value: Any) -> str:
    """sha256 of a JSON value in its canonical spelling."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


SUFFIX_LENGTH = 8  # the service takes no longer one


def config_suffixes(project: str, address: Address, spec: DeploymentSpec) -> tuple[str, ...]:
    """Suffixes that say whose config, at which attempt, is behind a deployment of a shared model.

    The first is for a new one. An older wanctl counted templates that have no effect, too.
    """
    configs = (spec.aigc_config.effective(), spec.aigc_config.sent())
    made = (digest_of([project, str(address), one, spec.attempt])[:SUFFIX_LENGTH] for one in configs)
    return tuple(dict.fromkeys(made))


_JOB_NAME = re.compile(rf"(?P<project>{NAME})--(?P<name>{NAME})--(?P<digest>[0-9a-f]{{16}})")


def job_name_for(project: str, name: str, identity: str) -> str:
    """The job's name, which says whose it is and which one."""
    return f"{project}--{name}--{identity[:16]}"


def parse_job_name(job: Job) -> tuple[str, str] | None:
    """The project and the digest that a job's name carries, if it carries a mark at all."""
    match = _JOB_NAME.fullmatch(job.job_name or "")
    return (match["project"], match["digest"]) if match else None


def resource_in_job_name(job: Job) -> str | None:
    """The name of the resource in a job's mark, if it carries one."""
    match = _JOB_NAME.fullmatch(job.job_name or "")
    return match["name"] if match else None


def is_model_of(model_name: str, output: str | None) -> bool:
    """The model that a job gave, or an export of it, as the service names them."""
    return bool(output) and (model_name == output or model_name.startswith(f"{output}-"))
