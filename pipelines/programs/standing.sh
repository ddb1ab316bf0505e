#!/bin/sh
# Tell where a commit stands among branches and tags, and which files are not HEAD's: standing.sh [PATH...]
#
# One fact a line, nothing outside of a repository:
#   commit REVISION    at REF (points at it)    in REF (contains it)    has REF    partial    differs PATH
# REVISION names a commit other than HEAD; that one has no work tree, so no PATH goes with it.
set -eu

export GIT_INDEX_FILE="${GIT_INDEX_FILE:-/tmp/index}"
revision=${REVISION:-HEAD}
git config --global --add safe.directory '*'
if ! git cat-file -e "$revision^{tree}" 2> /dev/null; then
  exit 0
fi
git log -1 --no-show-signature --format='commit %H' "$revision" --
git for-each-ref --points-at="$revision" --format='at %(refname)' refs/heads refs/remotes refs/tags
git for-each-ref --contains="$revision" --format='in %(refname)' refs/heads refs/remotes
git for-each-ref --format='has %(refname)' refs/heads refs/remotes refs/tags
shallow=$(git rev-parse --is-shallow-repository)
if [ "$shallow" = true ]; then
  echo partial
fi
if [ $# -eq 0 ]; then
  exit 0
fi
git read-tree HEAD
# Not in a pipe: of that only the last command's failure counts, and nothing told would be nothing changed.
git -c core.quotePath=false status --porcelain --no-renames --untracked-files=all -- "$@" > "$GIT_INDEX_FILE.differs"
sed 's/^.../differs /' "$GIT_INDEX_FILE.differs"
