"""Servers of this machine: what was given as `tcp://127.0.0.1:PORT` and is bound into containers by a name."""

import dagger


async def port_of(server: dagger.Service) -> int:
    """Tell the port that containers find a bound server at.

    An engine knows the ports of a host's service only while it runs, hence the start: asked before, a
    real one answers `service ... is not running`. Starting opens the way to it, the server is not touched.
    """
    running = await server.start()
    ports = await running.ports()
    return await ports[0].port()
