"""Git repositories by the git program: remote ones through a bare mirror each, local ones in place."""
