"""Folder → Desired. Reads every file of a project, gathers everything that is wrong, and puts it together."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wanctl.address import Address, Kind
from wanctl.base.words import listed, quoted, suggestion
from wanctl.catalogue.base_models import Catalogue, CatalogueFile
from wanctl.catalogue.packaged import (
    UNNAMED,
    editions,
    models_of,
    packaged_catalogue,
    packaged_models,
)
from wanctl.finding import Place
from wanctl.language.findings import MOST_FINDINGS, Findings, SpecErrors
from wanctl.language.models import Dataset, Deployment, Resourceful
from wanctl.language.moves import Stated, moves_of
from wanctl.language.parameters import unknown_defaults, unknown_parameters
from wanctl.language.partial import PartialSpec, partial_spec
from wanctl.language.project_file import ProjectFile, read_project_file
from wanctl.language.resources import DOCUMENTS, Desired, Rename, Resource, references_of
from wanctl.language.root import (
    SETTINGS_FILE,
    PathRefused,
    Root,
    find_project,
    followed,
    local_part,
    no_project,
)
from wanctl.language.rules.references import check_references, in_order, missing_sources
from wanctl.language.rules.values import check_declared, check_document
from wanctl.language.scalars import Scalar
from wanctl.language.settings import CatalogueChoice, merged
from wanctl.language.source import Source
from wanctl.language.splits import with_parts
from wanctl.language.texts import with_texts, with_vars
from wanctl.language.translation import complaints
from wanctl.language.yaml.budget import SpecBudget
from wanctl.language.yaml.documents import Complaint, Document, SourceFile
from wanctl.language.yaml.nodes import DocumentPath, dotted
from wanctl.ledger.location import FileLocation, parse_location
from wanctl.rules import Rule

_COUNTED = frozenset({"name", "state", "model", "training", "hyper_parameters", "allow", "source", "exclude"})
_LONGEST_OWNER = 100  # characters of a name that may be none


def load_project(
    directory: Path, environment: str | None = None, instead: Mapping[Path, str] | None = None
) -> Desired:
    """The project of a folder, in one of its environments; SpecErrors tells everything that is wrong.

    `instead` are texts that files are taken to have, as if they were written already.
    """
    if not (directory / SETTINGS_FILE).is_file():
        raise SpecErrors([no_project(directory, (directory,))])
    taken = {path.resolve(): text for path, text in (instead or {}).items()}
    return ProjectLoading(Root.around(directory), environment, taken).run()


def project_name(start: Path, environment: str | None = None) -> str | None:
    """The name, as far as wanctl.yaml alone tells it: for what is said of specs that cannot be used."""
    try:
        loading = ProjectLoading(Root.around(find_project(start)), environment)
        head, *_ = loading._project_documents()  # noqa: SLF001 - of this module
    except SpecErrors:
        return None
    settings = read_project_file(head, environment, loading.findings).settings
    return settings.project if settings else None


def environments_of(directory: Path) -> tuple[str, ...]:
    """The environments that a project's wanctl.yaml names, as far as it can be read."""
    try:
        loading = ProjectLoading(Root.around(directory), None)
        head, *_ = loading._project_documents()  # noqa: SLF001 - of this module
    except SpecErrors:
        return ()
    known = read_project_file(head, None, loading.findings).everywhere
    return tuple(name for name in known if name is not None)


@dataclass
class ProjectLoading:
    """One load of files: what was found so far."""

    root: Root
    environment: str | None
    instead: Mapping[Path, str] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    budget: SpecBudget = field(default_factory=SpecBudget)
    resources: dict[Address, Resource] = field(default_factory=dict)
    sources: dict[Address, Path] = field(default_factory=dict)
    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}))
    unread: set[str] = field(default_factory=set)  # names of documents that are there and wrong
    partial: list[tuple[Resource, PartialSpec]] = field(default_factory=list)  # what can be read of those

    def run(self) -> Desired:
        head, *rest = self._project_documents()
        project = read_project_file(head, self.environment, self.findings)
        self.catalogue = self._catalogue(project, head)
        self._check_ledgers(project, head)
        for document in rest:
            self._resource(document, self.root.directory, project.variables)
        for path in self._spec_files(project):
            for document in self._documents(path):
                self._resource(document, path.parent, project.variables)
        return self._finish(project)

    def _project_documents(self) -> list[Document]:
        """The settings, and the resources that stand behind them in the same file."""
        path = self.root.directory / SETTINGS_FILE
        documents = self._documents(path)
        if not documents:
            message, hint = f"{SETTINGS_FILE} is empty", "write version: 1 and project: NAME"
            if not self.findings.broken:
                self.findings.error(Place(self.root.shown(path), 1, 1), Rule.EMPTY_FILE, message, hint=hint)
            raise SpecErrors(self.findings.sorted())
        return documents

    def _finish(self, project: ProjectFile) -> Desired:
        check_references(self.resources, self.unread, self.findings)
        region = project.settings.known_region if project.settings else None
        self._judge_partial(region)
        renames = moves_of(self.resources, self._stated_moves(project), self.unread, self.findings)
        ordered = in_order(self.resources, self.findings)
        self.findings.extend(check_declared(ordered, self.catalogue, self.sources, region))
        whole = with_parts(ordered, self.sources, self.findings)
        if self.findings.broken:  # else whoever reads the datasets tells it, and a plan can do without some
            self.findings.extend(missing_sources(self.resources, self.sources))
        desired = self._desired(project, {**self._well_known(), **whole}, renames)
        if desired is None or self.findings.broken:
            raise SpecErrors(self.findings.sorted(), desired)
        return desired

    def _well_known(self) -> dict[Address, Resource]:
        """Documents that are wrong somewhere, and right in all that the number of samples decides about."""
        return {one.address: one for one, partial in self.partial if partial.has_read(_COUNTED)}

    def _desired(
        self,
        project: ProjectFile,
        resources: Mapping[Address, Resource],
        renames: Mapping[Address, tuple[Rename, ...]],
    ) -> Desired | None:
        if project.settings is None:
            return None
        return Desired(
            settings=project.settings,
            environment=self.environment,
            directory=self.root.directory,
            root=self.root.path,
            resources=resources,
            diagnostics=self.findings.sorted(),
            catalogue=self.catalogue,
            sources=self.sources,
            renames=renames,
            ledgers_of_same_name=project.ledgers_of_same_name(),
            trained_for=project.trained_for(),
            projects=frozenset(settings.project for settings in project.everywhere.values()),
        )

    def _judge_partial(self, region: str | None) -> None:
        """What else is wrong with documents that are wrong: all of it is told at once."""
        everything = {**{resource.address: resource for resource, _ in self.partial}, **self.resources}
        for resource, partial in self.partial:
            found = Findings()
            check_references({**everything, resource.address: resource}, self.unread, found)
            unread = partial.unread_parameters
            found.extend(check_document(resource, everything, self.catalogue, region, unread))
            owner = str(resource.address)
            own = (one for one in found.sorted() if one.path.startswith(f"{owner}."))
            self.findings.extend(one for one in own if partial.tells(one, owner))

    def _stated_moves(self, project: ProjectFile) -> Iterator[Stated]:
        places = project.document.places
        for number, moved in enumerate(project.settings.moved if project.settings else ()):
            path = project.path_of(("moved", number), self.environment)
            old, new = places.value((*path, "from")), places.value((*path, "to"))
            yield Stated(moved, f"Project.{dotted(path)}", old, new)

    def _spec_files(self, project: ProjectFile) -> Iterator[Path]:
        """Every file but wanctl.yaml, which was read, and the catalogues, which hold no resources."""
        catalogues = {
            (self.root.directory / name).resolve() for name in project.catalogues if "\0" not in name
        }
        return (path for path in [*self.root.specs()][1:] if followed(path) not in catalogues)

    def _documents(self, path: Path) -> list[Document]:
        shown = self.root.shown(path)
        try:
            text = self.root.read_spec(path)
        except PathRefused as error:
            self.findings.error(Place(shown, 1, 1), Rule.FILE, str(error), hint=error.hint)
            return []
        text = self.instead.get(path.resolve(), text) if self.instead else text
        self.budget.take_text(shown, text)
        return list(SourceFile(shown, text, self.findings, self.budget).documents())

    # The settings' files

    def _catalogue(self, project: ProjectFile, head: Document) -> Catalogue:
        """The edition that the project names, with the project's own facts laid over it."""
        settings = project.settings
        if settings is None:
            return Catalogue(packaged_models())
        edition, own = self._edition(settings.catalogue, project, head), {}
        packaged, models = packaged_catalogue(edition), packaged_models(edition, settings.region)
        file = settings.catalogue.file
        document = self._catalogue_document(file, project, head) if file else None
        if document and isinstance(document.value, dict):
            own = document.value
            for unknown in unknown_defaults(own, models):
                self._complain(document, unknown, "Catalogue")
            try:
                models = models_of(merged(packaged, own), settings.region)
            except ValidationError as error:
                for one in complaints(error, CatalogueFile):
                    self._complain(document, one, "Catalogue")
        elif document:
            self.findings.error(
                document.start, Rule.DOCUMENT, "a catalogue must be a mapping", hint="write models: …"
            )
        return Catalogue(models, settings.region, settings.prices, edition, own)

    def _edition(self, choice: CatalogueChoice, project: ProjectFile, head: Document) -> str:
        known = editions()
        if choice.edition is None or choice.edition in known:
            return choice.edition or UNNAMED
        hint = f"write {listed(known, 'or')}"
        message = f"catalogue: there is no edition of {choice.edition}"
        path = project.path_of(("catalogue",), self.environment)
        self._complain(head, Complaint(path, Rule.VALUE, message, hint), "Project")
        return UNNAMED

    def _catalogue_document(self, name: str, project: ProjectFile, head: Document) -> Document | None:
        try:
            path = self.root.follow(self.root.directory, name)
        except PathRefused as error:
            self._complain_at(
                head, project.path_of(("catalogue",), self.environment), f"catalogue: {error}", error.hint
            )
            return None
        return next(iter(self._documents(path)), None)

    def _check_ledgers(self, project: ProjectFile, head: Document) -> None:
        """Apply writes there: it must not be led out of the project."""
        for environment, settings in project.everywhere.items():
            location = parse_location(settings.ledger)
            if isinstance(location, FileLocation):
                try:
                    self.root.locate(self.root.directory, location.path)
                except PathRefused as error:
                    path = project.path_of(("ledger",), environment)
                    self._complain_at(head, path, f"ledger: {error}", error.hint)

    def _complain_at(self, document: Document, path: DocumentPath, message: str, hint: str | None) -> None:
        self._complain(document, Complaint(path, Rule.FILE, message, hint), "Project")

    # Resources

    def _resource(self, document: Document, folder: Path, variables: Mapping[str, Scalar]) -> None:
        kind = self._kind(document)
        if kind is None:
            self._note_unread(document)
            return
        known: set[DocumentPath] = set()
        written = {key: value for key, value in document.value.items() if key != "kind"}
        owner = _owner(kind, written)

        def complain(one: Complaint) -> None:
            known.add(one.path)
            self._complain(document, one, owner)

        value = with_vars(written, variables, complain)
        unknown = [*islice(unknown_parameters(kind, value, self.catalogue), MOST_FINDINGS + 1)]
        for one in unknown:
            complain(one)
        model = DOCUMENTS[kind].model
        texts = with_texts(value, model, self.root, folder, variables, complain)
        spec: Resourceful | None = None
        try:
            spec = model.model_validate(value)
        except ValidationError as error:
            for one in complaints(error, model):
                if one.path not in known:
                    complain(one)
        if spec is None or unknown:
            self._note_unread(document)
            self._keep_partial(document, kind, value, known)
            return
        address = Address(kind, spec.name)
        references = tuple(target for _, target in references_of(address, spec))
        files = self._checked_files(document, spec, folder, owner)
        resource = Resource(address, spec, references, document.start, document.places, texts, files)
        if self._is_new(resource) and isinstance(spec, Dataset):
            self._source(resource, spec, folder)

    def _checked_files(
        self, document: Document, spec: Resourceful, folder: Path, owner: str
    ) -> dict[str, Path]:
        """The images of a Deployment's checks, by their paths in the document."""
        checks = spec.checks if isinstance(spec, Deployment) else None
        found: dict[str, Path] = {}
        for number, one in enumerate(checks.images if checks else ()):
            for key in ("image", "last_image"):
                if (written := getattr(one, key)) is None:
                    continue
                at: DocumentPath = ("checks", "images", number, key)
                try:
                    found[dotted(at)] = self.root.follow(folder, written)
                except PathRefused as error:
                    self._complain(document, Complaint(at, Rule.CHECKS, f"{key}: {error}", error.hint), owner)
        return found

    def _keep_partial(
        self, document: Document, kind: Kind, value: dict[str, Any], told: Collection[DocumentPath]
    ) -> None:
        partial = partial_spec(DOCUMENTS[kind], value, told)
        if partial:
            for one in partial.late:
                self._complain(document, one, _owner(kind, value))
            address = Address(kind, partial.spec.name)
            resource = Resource(address, partial.spec, (), document.start, document.places)
            references = tuple(target for _, target in references_of(address, partial.spec))
            self.partial.append((replace(resource, references=references), partial))

    def _note_unread(self, document: Document) -> None:
        """Who refers to a document that is wrong is not told that there is none."""
        if isinstance(document.value, dict):
            self.unread.add(str(document.value.get("name")))

    def _kind(self, document: Document) -> Kind | None:
        value = document.value
        if not isinstance(value, dict):
            self.findings.error(
                document.start, Rule.DOCUMENT, "a document must be a mapping that begins with kind:"
            )
            return None
        name = value.get("kind")
        if name is None:
            hint = f"write kind: with {listed(Kind, 'or')}"
            if "version" in value or "project" in value:
                hint = f"settings stand in {SETTINGS_FILE} alone, as its first document"
            self.findings.error(document.start, Rule.MISSING_KIND, "this document has no kind", hint=hint)
            return None
        try:
            return Kind(name)
        except ValueError:
            hint = suggestion(str(name), list(Kind), "")
            place = document.places.value(("kind",))
            self.findings.error(place, Rule.UNKNOWN_KIND, f"there is no kind {quoted(name)}", hint=hint)
            return None

    def _is_new(self, resource: Resource) -> bool:
        first = self.resources.setdefault(resource.address, resource)
        if first is not resource:
            message = f"{resource.address} is written twice; the first one is at {first.origin}"
            self.findings.error(
                resource.origin,
                Rule.DUPLICATE_RESOURCE,
                message,
                path=str(resource.address),
                hint="rename one of them",
            )
        return first is resource

    def _source(self, resource: Resource, spec: Dataset, folder: Path) -> None:
        try:
            if path := self._local_source(spec.source, folder):
                self.sources[resource.address] = path
        except PathRefused as error:
            place = resource.places.get("source", resource.origin)
            self.findings.error(
                place, Rule.SOURCE, f"source: {error}", path=f"{resource.address}.source", hint=error.hint
            )

    def _local_source(self, source: Source, folder: Path) -> Path | None:
        written = source.path if source.url is None else local_part(source.url)
        return self.root.follow(folder, written) if written is not None else None

    def _complain(self, document: Document, one: Complaint, owner: str) -> None:
        place = document.place_of(one)
        path = f"{owner}.{dotted(one.path)}" if one.path else owner
        self.findings.error(place, one.rule, one.message, path=path, hint=one.hint)


def _owner(kind: Kind, value: Mapping[str, Any]) -> str:
    name = value.get("name")
    return f"{kind}/{name[:_LONGEST_OWNER]}" if isinstance(name, str) else str(kind)
