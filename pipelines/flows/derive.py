"""Make what follows from the catalogue: the changes that bring every derived manifest up to date, for people to look at and apply."""

import dagger
from dagger import dag

from pipelines.catalog import DocumentError, read_catalog
from pipelines.catalog.addresses import FILE, parse_addresses
from pipelines.flows.pipeline import Source
from pipelines.manifests import OWNED, generate


async def derive_manifests(source: Source) -> dagger.Changeset:
    """Write what the catalogue says, and remove what it does not say any more; raise DocumentError."""
    before = source.files
    catalog = await read_catalog(before)
    if not await before.exists(FILE):
        told = "is missing: alerts and Argo CD need repository, branch, files and grafana from it"
        raise DocumentError(FILE, "", told)
    addresses = parse_addresses(await before.file(FILE).contents())
    made = generate(catalog, addresses)
    there = [path for pattern in OWNED for path in await before.glob(pattern)]
    stubs = {path: made.stubs[path] for path in made.stubs if not await before.exists(path)}
    files = {**made.files, **stubs}
    written = dag.directory()
    for path, text in sorted(files.items()):
        written = written.with_new_file(path, text)
    stale = sorted(set(there) - files.keys())
    return before.without_files(stale).with_directory(".", written).changes(before)
