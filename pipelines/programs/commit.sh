#!/bin/sh
# Tell commit, time and changed paths of a work tree: commit.sh PATH...
#
# First line: the revision and the commit's time in seconds, or nothing outside of a repository.
# Further lines: `git status --porcelain` of the given paths against the commit. The repository's
# configuration and index are not here on purpose: the first may hold credentials, the second changes
# when nothing did.
set -eu

export GIT_INDEX_FILE=/tmp/index
git config --global --add safe.directory '*'
if ! git rev-parse --verify --quiet HEAD > /dev/null 2>&1; then
  echo
  exit 0
fi
git log -1 --no-show-signature --format='%H %ct'
git read-tree HEAD
git status --porcelain --untracked-files=all -- "$@"
