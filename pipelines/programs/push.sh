#!/bin/sh
# Push an OCI layout without changing a byte of it: push.sh LAYOUT DESTINATION [SKOPEO FLAG...]
#
# Writes the digest that the registry has. A token, when there is one, comes as a file; the login is
# kept below /run/auth, which is no part of the container's layers.
set -eu

layout=$1 destination=$2
shift 2
if [ -f /run/secrets/registry-token ]; then
  # A registry that is pushed to without TLS is logged in to without it.
  case " $* " in *" --dest-tls-verify=false "*) verify=false ;; *) verify=true ;; esac
  skopeo login --authfile /run/auth/auth.json --tls-verify="$verify" --username "$REGISTRY_USERNAME" \
    --password-stdin "${destination%%/*}" < /run/secrets/registry-token > /dev/null
  set -- --dest-authfile /run/auth/auth.json "$@"
fi
skopeo --insecure-policy copy --quiet --preserve-digests --retry-times 2 --digestfile /tmp/digest "$@" \
  "oci:$layout" "docker://$destination"
cat /tmp/digest
