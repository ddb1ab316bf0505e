"""Push an image so that the registry holds exactly the digest that was built and scanned."""

import dagger

from pipelines.model import Commit, Environment, Service, StageFailure
from pipelines.stages.build import Built
from pipelines.toolchains.registry import RegistryAccess, push


async def publish_image(
    service: Service,
    built: Built,
    environment: Environment,
    commit: Commit,
    access: RegistryAccess,
    builder: dagger.Container,
) -> str:
    """Push under the commit's name and return the reference by digest."""
    repository = environment.repository(service)
    name = repository.partition("/")[2]
    tag = commit.version(service.name)
    ran = await push(builder, built.layout, access, environment, f"{name}:{tag}")
    if ran.exit_code != 0:
        raise StageFailure(ran.exit_code, ran.output)
    stored = ran.output.strip().splitlines()[-1:]
    if stored != [built.image.digest]:
        told = f"built {built.image.digest}, but the registry says it has {ran.output.strip()}"
        raise StageFailure(1, told)
    return built.image.reference(repository)
