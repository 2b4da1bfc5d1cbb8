"""wanctl.yaml → Settings. The base and every environment are checked; the chosen one is merged over it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from wanctl.base.words import quoted, suggestion
from wanctl.finding import Finding, Severity
from wanctl.language.findings import Findings
from wanctl.language.scalars import Scalar
from wanctl.language.settings import Provider, Settings, merged
from wanctl.language.texts import variables_of, with_vars
from wanctl.language.translation import complaints
from wanctl.language.yaml.documents import Complaint, Document
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.ledger.location import own_location
from wanctl.rules import Rule
from wanctl.studio.errors import Misconfigured
from wanctl.studio.regions import Endpoint


@dataclass(frozen=True)
class ProjectFile:
    """The settings of one environment; None if they are wrong. Everything wrong is reported already."""

    document: Document
    environment: str | None
    settings: Settings | None
    variables: Mapping[str, Scalar]
    everywhere: Mapping[str | None, Settings]  # of every environment, and of none

    @property
    def catalogues(self) -> set[str]:
        return {one.catalogue.file for one in self.everywhere.values() if one.catalogue.file}

    def ledgers_of_same_name(self) -> dict[str | None, str]:
        """Environments of the project's name in its account, as far as the specs tell → their ledgers."""
        own = self.settings
        if own is None:
            return {}
        return {
            name: settings.ledger
            for name, settings in self.everywhere.items()
            if name != self.environment
            and (settings.project, *_account(settings)) == (own.project, *_account(own))
        }

    def path_of(self, path: DocumentPath, environment: str | None) -> DocumentPath:
        """Where a setting of an environment is written: in its section, or in the base."""
        return _written_at(self.document.value, environment, path)


def read_project_file(document: Document, environment: str | None, findings: Findings) -> ProjectFile:
    """Check the whole file, and merge the environment over the base."""
    if not isinstance(document.value, dict):
        findings.error(
            document.start,
            Rule.DOCUMENT,
            "wanctl.yaml must be a mapping",
            hint="write version: 1 and project: NAME",
        )
        return ProjectFile(document, environment, None, {}, {})
    reading = _SettingsReading(document, findings)
    document.source.budget.take_environments(len(_sections(document.value)))
    read = {name: reading.settings(name) for name in (None, *_sections(document.value))}
    everywhere = {name: settings for name, settings in read.items() if settings is not None}
    reading.check_chosen(environment)
    reading.check_projects(everywhere)
    variables = variables_of(_merged(document.value, environment).get("vars"))
    return ProjectFile(document, environment, everywhere.get(environment), variables, everywhere)


@dataclass(frozen=True)
class _SettingsReading:
    document: Document
    findings: Findings

    def settings(self, environment: str | None) -> Settings | None:
        """The settings of one environment, or of none; what is wrong is reported where it is written."""
        value = _merged(self.document.value, environment)
        variables = variables_of(value.get("vars"))
        known: set[DocumentPath] = set()

        def complain(one: Complaint) -> None:
            known.add(one.path)
            self._complain(one, environment)

        kept = {key: value.pop(key) for key in ("vars",) if key in value}
        if environment is None and "environments" in self.document.value:
            kept["environments"] = self.document.value["environments"]
        whole = {**with_vars(value, variables, complain), **kept}
        if environment is not None:
            self._check_section(environment)
        try:
            settings = Settings.model_validate(whole)
            if not known & {("region",), ("base_url",)}:
                self._check_endpoint(settings, environment)
            return _with_own_ledger(settings, environment, self.document.value)
        except ValidationError as error:
            for one in complaints(error, Settings):
                if one.path not in known:
                    complain(one)
            return None

    def _check_endpoint(self, settings: Settings, environment: str | None) -> None:
        """The very check that comes before a call, at the line that is wrong."""
        key = "base_url" if settings.base_url else "region"
        try:
            if settings.base_url:
                Endpoint.parse(settings.base_url)
            else:
                anywhere = "any" if settings.provider is Provider.SANDBOX else None  # only its prices count
                Endpoint.for_region(settings.region, settings.workspace or anywhere)
        except Misconfigured as error:
            self._complain(Complaint((key,), Rule.ENDPOINT, error.message, error.remedy), environment)

    def _check_section(self, environment: str) -> None:
        for key in ("version", "environments"):
            if key in _sections(self.document.value)[environment]:
                path = ("environments", environment, key)
                message = f"an environment does not change {key}"
                self._report(Complaint(path, Rule.ENVIRONMENT_KEY, message, "take it out", on_key=True))

    def check_chosen(self, environment: str | None) -> None:
        """An environment that was asked for must be there."""
        known = self.document.value.get("environments")
        if environment is None or (isinstance(known, dict) and environment in known):
            return
        names = [str(name) for name in known] if isinstance(known, dict) else []
        message = f"there is no environment {quoted(environment)}"
        hint = suggestion(environment, names, "write it under environments, or leave --env out")
        self._report(Complaint(("environments",), Rule.UNKNOWN_ENVIRONMENT, message, hint, on_key=True))

    def check_projects(self, everywhere: Mapping[str | None, Settings]) -> None:
        """In one account a project's name is all that tells what is ours: each environment needs its own."""
        seen: dict[tuple[object, ...], str | None] = {}
        for environment, settings in everywhere.items():
            owner = (settings.project, *_account(settings))
            first = seen.setdefault(owner, environment)
            if environment is None or first == environment:
                continue
            path = ("environments", environment)
            self.findings.add(
                Finding.at(
                    self.document.places.key(path),
                    Severity.WARNING,
                    Rule.SAME_PROJECT_NAME,
                    f"{environment} has the same account and the same project {settings.project} as "
                    f"{first or 'the base'}: each takes what the other made for its own",
                    path=f"Project.{dotted(path)}",
                    hint=f"write project: {settings.project}-{environment} under {environment}",
                )
            )

    def _complain(self, one: Complaint, environment: str | None) -> None:
        path = _written_at(self.document.value, environment, one.path)
        self._report(replace(one, path=path))

    def _report(self, one: Complaint) -> None:
        place = self.document.place_of(one)
        path = f"Project.{dotted(one.path)}" if one.path else "Project"
        self.findings.error(place, one.rule, one.message, path=path, hint=one.hint)


def _sections(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The environments that are mappings; others are reported by the model."""
    environments = value.get("environments")
    if not isinstance(environments, dict):
        return {}
    return {name: section for name, section in environments.items() if isinstance(section, dict)}


def _merged(value: Mapping[str, Any], environment: str | None) -> dict[str, Any]:
    return merged(value, _sections(value).get(environment, {}) if environment is not None else {})


def _written_at(value: Mapping[str, Any], environment: str | None, path: DocumentPath) -> DocumentPath:
    if environment is None:
        return path
    found: Any = _sections(value).get(environment, {})
    for part in path:
        if isinstance(found, list):
            break  # lists are not merged: it is written here as a whole
        if not isinstance(found, dict) or part not in found:
            return path
        found = found[part]
    return ("environments", environment, *path)


def _account(settings: Settings) -> tuple[object, ...]:
    """The marks of an account, as far as the specs have them: the key is not in them."""
    if settings.provider is Provider.SANDBOX and settings.base_url is None:
        return (settings.provider,)
    return (settings.provider, settings.base_url or settings.region, settings.workspace)


def _with_own_ledger(settings: Settings, environment: str | None, value: Mapping[str, Any]) -> Settings:
    """Environments never share a ledger's file: one that names none has its own beside the base's."""
    if environment is None or "ledger" in _sections(value)[environment]:
        return settings
    return settings.model_copy(update={"ledger": own_location(settings.ledger, environment)})
