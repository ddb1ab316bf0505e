#!/bin/sh
# Tell which files of a work tree differ from a revision, by content: changes.sh REVISION PATH...
#
# One path a line, new files and missing ones among them. Ends with 3 when the repository that was given has no
# such revision (or is none).
set -eu

export GIT_INDEX_FILE="${GIT_INDEX_FILE:-/tmp/index}"
revision=$1
shift
git config --global --add safe.directory '*'
git cat-file -e "$revision^{tree}" 2> /dev/null || exit 3
git read-tree "$revision"
# Not diff-files: it goes by times, which every checkout and every engine gives anew.
git diff --name-only --no-renames --no-ext-diff -- "$@"
git ls-files --others --exclude-standard -- "$@"
