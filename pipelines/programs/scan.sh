#!/bin/sh
# Scan an image and its manifests with Trivy: scan.sh LAYOUT MANIFESTS SCANNERS CACHE [EXCEPTIONS]
#
# EXCEPTIONS is an ignore file in Trivy's YAML form; an entry whose day has come hides nothing any more.
# What was found is shown as Trivy's own tables. Ends with 0 when nothing grave was found, with 1 when
# something was, and with 2 when Trivy could not look.
set -eu

layout=$1 manifests=$2 scanners=$3 cache=$4 exceptions=${5:-}
found=0
look() {
  code=0
  trivy "$@" --cache-dir "$cache" --skip-check-update --severity HIGH,CRITICAL --exit-code 99 \
    ${exceptions:+--ignorefile "$exceptions"} --quiet || code=$?
  case $code in
    0) ;;
    99) found=1 ;;
    *) exit 2 ;;
  esac
}
look image --input "$layout" --scanners "$scanners" --image-config-scanners misconfig,secret \
  --skip-db-update --offline-scan
look config "$manifests"
exit "$found"
