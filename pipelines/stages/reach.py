"""Do the registry and the cluster of this machine answer? Asked first, as everything ends there."""

import dagger

from pipelines.model import StageFailure
from pipelines.programs import program
from pipelines.toolchains import deliverer, python, registry
from pipelines.toolchains.run import explain, nonce, run
from pipelines.toolchains.server import port_of

ADVICE = "Is it running? Start both with: drydock start"


async def reach_servers(bound: dict[str, dagger.Service]) -> None:
    """Connect to the bound servers (alias to service); raise StageFailure with what to do."""
    container = python.base().with_new_file("/programs/reach.py", program("reach.py"))
    command = ["python3", "/programs/reach.py"]
    names = {registry.ALIAS: "registry", deliverer.ALIAS: "cluster"}
    schemes = {registry.ALIAS: "http", deliverer.ALIAS: "tls"}
    try:
        for alias, service in bound.items():
            container = container.with_service_binding(alias, service)
            address = f"{schemes[alias]}://{alias}:{await port_of(service)}"
            command.append(f"{names[alias]}={address}")
        ran = await run(container.with_env_variable("SHIPYARD_RUN", nonce()), command, seconds=30)
    except dagger.QueryError as error:
        which = " or ".join(names[alias] for alias in bound)
        told = f"the {which} does not answer: {explain(error)}"
        raise StageFailure(1, f"{told}\n{ADVICE}") from error
    if ran.exit_code != 0:
        silent = "does not answer" in ran.output
        told = f"{ran.output.strip()}\n{ADVICE}" if silent else ran.output
        raise StageFailure(ran.exit_code, told)
