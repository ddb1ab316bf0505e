#!/bin/sh
# Tell where HEAD stands among branches and tags, and which files are not its commit's: standing.sh PATH...
#
# One fact a line, nothing outside of a repository:
#   commit REVISION    at REF (points at it)    in REF (contains it)    has REF    partial    differs PATH
set -eu

export GIT_INDEX_FILE="${GIT_INDEX_FILE:-/tmp/index}"
git config --global --add safe.directory '*'
if ! git cat-file -e 'HEAD^{tree}' 2> /dev/null; then
  exit 0
fi
git log -1 --no-show-signature --format='commit %H'
git for-each-ref --points-at=HEAD --format='at %(refname)' refs/heads refs/remotes refs/tags
git for-each-ref --contains=HEAD --format='in %(refname)' refs/heads refs/remotes
git for-each-ref --format='has %(refname)' refs/heads refs/remotes refs/tags
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  echo partial
fi
git read-tree HEAD
git -c core.quotePath=false status --porcelain --no-renames --untracked-files=all -- "$@" | sed 's/^.../differs /'
