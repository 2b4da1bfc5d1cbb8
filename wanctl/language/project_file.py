"""wanctl.yaml → Settings. The base and every environment are checked; the chosen one is merged over it."""

from collections.abc import Collection, Mapping
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
from wanctl.studio.regions import REGIONS, Endpoint, region_named


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

    def trained_for(self) -> dict[str, Settings]:
        """The environments that deploy what this one trains."""
        own = self.environment
        return {
            name: settings
            for name, settings in self.everywhere.items()
            if name is not None and own is not None and settings.trains_in == own
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
    reading.check_trainers(read)
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
            settings = _without_itself(settings, environment, self.document.value)
            return _with_own_ledger(settings, environment, self.document.value)
        except ValidationError as error:
            for one in complaints(error, Settings):
                if one.path not in known:
                    complain(one)
            self._check_rest(whole, {path[0] for path in known if path}, environment)
            return None

    def _check_rest(self, whole: Mapping[str, Any], wrong: Collection[Any], environment: str | None) -> None:
        """The account of settings that are wrong elsewhere: a person is not to meet that only afterwards."""
        keys = ("provider", "region", "base_url", "workspace")
        if not any(key in wrong for key in keys):
            written = {key: whole[key] for key in keys if key in whole}
            self._check_endpoint(
                Settings.model_validate({"version": 1, "project": "unread", **written}), environment
            )

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
            if environment is None or first == environment or settings.trains_in is not None:
                continue  # who trains nothing has nothing that its project's name would tell of
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

    def check_trainers(self, read: Mapping[str | None, Settings | None]) -> None:
        """Who trains for an environment must be there, train for itself, and be in the same account."""
        for environment, settings in read.items():
            found = _why_not_trained_in(environment, settings, read) if settings else None
            if found:
                self._complain(Complaint(("trains_in",), Rule.TRAINS_IN, *found), environment)

    def _complain(self, one: Complaint, environment: str | None) -> None:
        path = _written_at(self.document.value, environment, one.path)
        self._report(replace(one, path=path))

    def _report(self, one: Complaint) -> None:
        place = self.document.place_of(one)
        path = f"Project.{dotted(one.path)}" if one.path else "Project"
        self.findings.error(place, one.rule, one.message, path=path, hint=one.hint)


def _why_not_trained_in(
    environment: str | None, settings: Settings, read: Mapping[str | None, Settings | None]
) -> tuple[str, str] | None:
    """Why an environment cannot deploy what another one trains, and what to write instead."""
    name = settings.trains_in
    if name is None:
        return None
    if name not in read:
        known = [one for one in read if one is not None]
        message = f"there is no environment {quoted(name)} to train in"
        return message, suggestion(name, known, "write it under environments, or take trains_in out")
    trainer = read[name]
    if trainer is None:
        return None  # it has mistakes of its own, which are told
    if name == environment:
        return f"{name} names itself: it trains anyway", "take trains_in out"
    if trainer.trains_in is not None:
        message = f"{name} trains nothing itself: it has trains_in: {trainer.trains_in}"
        return message, "name an environment that trains, or take trains_in out there"
    here, there = _place(settings), _place(trainer)
    if here == there:
        return None
    message = (
        f"a model can be deployed only in the account, region and workspace that trained it: {name} is in "
        f"{_spell_place(there)}, and this is in {_spell_place(here)}"
    )
    hint = (
        "give both the same provider, region (or base_url) and workspace; "
        "or take trains_in out, and it trains for itself"
    )
    return message, hint


def _place(settings: Settings) -> tuple[str, ...]:
    """The marks of an account, equal however its region and workspace are spelled."""
    if settings.provider is Provider.SANDBOX and settings.base_url is None:
        return (settings.provider,)
    workspace = settings.workspace or ""
    if settings.base_url is None:
        region = region_named(settings.region)
        return (settings.provider, region.name if region else settings.region, workspace)
    try:
        url = Endpoint.parse(settings.base_url).base_url
    except Misconfigured:  # told where it is written
        url = settings.base_url
    for region in REGIONS:
        if url == region.base_url:
            return (settings.provider, region.name, workspace)
        for hosts in (region.base_url, region.workspace_url or ""):
            before, named, after = hosts.partition("{workspace}")
            if named and url.startswith(before) and url.endswith(after):
                own = url.removeprefix(before).removesuffix(after)
                return (settings.provider, region.name, workspace or own)
    return (settings.provider, url, workspace)


def _spell_place(place: tuple[str, ...]) -> str:
    if len(place) == 1:
        return "the sandbox"
    provider, where, workspace = place
    return f"{provider} {where}, {f'workspace {workspace}' if workspace else 'the default workspace'}"


def _without_itself(settings: Settings, environment: str | None, value: Mapping[str, Any]) -> Settings:
    """What the base says of all environments is no word about the one that trains for them."""
    if environment is None or settings.trains_in != environment:
        return settings
    if "trains_in" in _sections(value)[environment]:
        return settings
    return settings.model_copy(update={"trains_in": None})


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
