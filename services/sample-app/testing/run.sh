#!/bin/sh
# Run the tests: what they say to standard output; junit.xml, coverage.xml and lcov.info to $REPORTS.
set -eu

reports=${REPORTS:-reports}
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
mkdir -p "$reports"
c8 --temp-directory "$raw" --reports-dir "$reports" \
  node --test --test-concurrency=2 --test-timeout=60000 \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=junit --test-reporter-destination="$reports/junit.xml"
