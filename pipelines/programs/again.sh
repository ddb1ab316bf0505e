#!/bin/sh
# Run a command that fetches something, again when the network failed it: again.sh COMMAND...
#
# Only for commands that may run any number of times. Four tries with growing pauses bridge a minute; what is wrong with
# the question (an unknown package, a wrong hash) is not asked twice. A failure is told once: the last try's last lines.
set -u

again='connect|timed? ?out|temporary failure|resolving|could not resolve|reset by|unreachable|hash sum mismatch'
again="$again|broken pipe|error (429|5[0-9][0-9])|50[0-9]  "
log=$(mktemp)
trap 'rm -f "$log"' EXIT
pause=${AGAIN_PAUSE:-3}
for try in 1 2 3 4; do
  code=0
  timeout --kill-after=10 300 "$@" > "$log" 2>&1 || code=$?
  [ "$code" -ne 0 ] || exit 0
  [ "$code" -eq 124 ] || grep -Eiq "$again" "$log" || break
  [ "$try" -lt 4 ] || break
  echo "try $try failed, again in $pause s: $(tail -n 1 "$log")" >&2
  sleep "$pause"
  pause=$((pause * 3))
done
tail -n 15 "$log" >&2
exit "$code"
