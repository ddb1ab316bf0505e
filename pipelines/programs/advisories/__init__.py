"""Advisories out of Debian's archive: a vulnerability database for when no better one can be reached.

Run in the builder as `python3 -m advisories` from the folder above: what the archive's newest packages say in their
changelogs becomes a database that Trivy reads. Standard library, apt and dpkg; nothing else.

    __main__    the command
    archive     what apt knows of packages; files, read out of the .debs
    sources     the changelog of each source
    changelog   which version fixed which vulnerability
    support     which packages get no fixes any more
    version     the order of version numbers
    database    the files that Trivy reads, and what they cover
    bolt        the file format
"""
