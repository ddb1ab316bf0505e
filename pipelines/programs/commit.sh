#!/bin/sh
# Tell commit, time and changed paths of a work tree: commit.sh PATH...
#
# First line: the revision and the commit's time in seconds, or nothing outside of a repository.
# Further lines: `git status --porcelain` of the given paths. The repository's own configuration is
# not here on purpose, it may hold credentials.
set -eu

git config --global --add safe.directory '*'
if ! git rev-parse --verify --quiet HEAD > /dev/null; then
  echo
  exit 0
fi
git log -1 --format='%H %ct'
git status --porcelain --untracked-files=all -- "$@"
