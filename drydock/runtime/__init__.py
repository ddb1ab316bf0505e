"""What both the engine and the cluster stand on: snapshots, containers, networks and images.

    state, index              the state directory and what is remembered in it
    snapshot, layertree       overlayfs stacks; pack and unpack turn layers into tars and back
    runner, process           containers by crun; bundle, seccomp, command, mountpoints serve them
    network, netns            one bridge network per process, in a namespace of its own
    images, registry, recipes base images from registries, or made from Debian packages
    isolation                 the private namespaces in which all of it runs

Callers import the modules they need; nothing is imported here, so that a short command stays quick.
"""
