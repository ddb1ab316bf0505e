#!/bin/sh
# Scan one target with Trivy: scan.sh MODE TARGET NAME CACHE OUT [EXCEPTIONS]
#
#   image                   an OCI layout: vulnerabilities of its packages, secrets, and its configuration
#   image-without-database  the same without vulnerabilities
#   secrets                 a folder: MEDIUM and up, in tests, examples and documents too
#   configuration           a folder with Dockerfiles and manifests: HIGH and CRITICAL
#
# Trivy looks once; OUT/NAME.json is what it found, without the text that it found it in, and the table on standard output and
# OUT/NAME.sarif are made of that. CACHE holds the database; one made of Debian's archive knows no severities, so each
# of its findings counts. EXCEPTIONS is an ignore file in Trivy's YAML form. Ends with 0 when nothing grave was found, with 1 when
# something was, with 2 when Trivy could not look, with 3 when nothing was found but the database knows nothing of the image,
# with 4 when no database could; what is lacking is then the last line of the output.
set -eu

mode=$1 target=$2 name=$3 cache=$4 out=$5 exceptions=${6:-/dev/null}
programs=$(cd "$(dirname "$0")" && pwd)
covers=$cache/coverage.json
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

severities=HIGH,CRITICAL
# Dependencies bring keys for their tests and examples, which are nobody's; in a folder of one's own they are looked at too.
grep -v '^disable-allow-rules' "$programs/secrets.yaml" > "$scratch/secrets.yaml"
case $mode in
  image)
    [ ! -f "$covers" ] || severities=UNKNOWN,$severities
    set -- image --input "$target" --scanners vuln,secret --image-config-scanners misconfig,secret \
      --secret-config "$scratch/secrets.yaml" --skip-db-update --offline-scan --list-all-pkgs --skip-check-update
    ;;
  image-without-database)
    set -- image --input "$target" --scanners secret --image-config-scanners misconfig,secret \
      --secret-config "$scratch/secrets.yaml" --skip-check-update
    covers=
    ;;
  secrets)
    severities=MEDIUM,$severities
    set -- fs --scanners secret --secret-config "$programs/secrets.yaml" .
    covers=
    ;;
  configuration)
    set -- config --skip-check-update .
    covers=
    ;;
  *)
    echo "scan.sh: $mode is no mode; use image, image-without-database, secrets or configuration" >&2
    exit 2
    ;;
esac

mkdir -p "$out"
# Trivy names files from where it stands, and reads settings that lie there: of the folders that hold the target, none has any.
case $mode in image*) ;; *) cd "$target" ;; esac
code=0
trivy "$@" --format json --output "$scratch/found.json" --severity "$severities" --exit-code 99 \
  --cache-dir "$cache" --ignorefile "$exceptions" 2> "$scratch/log" || code=$?
case $code in
  0 | 99) ;;
  *)
    grep -E 'ERROR|FATAL' "$scratch/log" >&2 || cat "$scratch/log" >&2
    exit 2
    ;;
esac
# What it could not read of a target it tells by the way, and finds nothing in it.
sed -n 's/^[^\t]*\tERROR\t/not looked at: /p' "$scratch/log"
covered=0
python3 "$programs/censor.py" "$scratch/found.json" "$out/$name.json" ${covers:+"$covers"} > "$scratch/lack" ||
  covered=$?
case $covered in 0 | 3 | 4) ;; *) exit 2 ;; esac
trivy convert --quiet --format table --severity "$severities" "$out/$name.json"
trivy convert --quiet --format sarif --output "$out/$name.sarif" "$out/$name.json"
cat "$scratch/lack"
[ "$code" -eq 0 ] || exit 1
exit "$covered"
