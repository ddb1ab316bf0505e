#!/bin/sh
# Download Debian packages and unpack them into an empty root: unpack.sh ROOT PACKAGE[=VERSION]...
#
# No package's script runs, so the result is a function of the packages alone. What no program reads
# is left out: documentation, translations, character set converters, test suites, debuggers' libraries. Each package leaves
# its metadata in var/lib/dpkg/status.d, which is how scanners learn what the image holds; they believe it
# only where the release is named too, hence those files of base-files, and nothing else of it.
#
# A package without a version is the newest; a version that the archive has no more ends with the names of those it has.
set -eu

root=$1 again=$(dirname "$0")/again.sh
shift
twice=$(for package; do echo "${package%%=*}"; done | sort | uniq -d | xargs)
if [ -n "$twice" ]; then
  echo "unpack.sh: named more than once: $twice; an image holds one version of a package" >&2
  exit 2
fi
case " $*" in *" base-files "* | *" base-files" | *" base-files="*) ;; *) set -- base-files "$@" ;; esac
downloads=$(mktemp -d)
cd "$downloads"
fetch() {
  rm -f ./*.deb
  "$again" apt-get download -qq -o Acquire::http::Timeout=30 -o APT::Sandbox::User=root "$@"
}
name_missing() {
  for package; do
    name=${package%%=*}
    offered=$(apt-cache madison "$name" | cut -d '|' -f 2 | tr -d ' ' | uniq)
    if [ -z "$offered" ]; then
      echo "unpack.sh: the archive has no package $name" >&2
    elif [ "$package" != "$name" ] && ! echo "$offered" | grep -Fqx -- "${package#*=}"; then
      echo "unpack.sh: the archive does not have $name in version ${package#*=}; it has: $(echo "$offered" | xargs)." \
        "Name one of these in the service's image.packages, or none for the newest" >&2
    fi
  done
}
# The lists are days old when they come from a cache; what they name may have been replaced since.
if ! fetch "$@"; then
  "$again" apt-get update -qq -o APT::Update::Error-Mode=any
  if ! fetch "$@"; then
    name_missing "$@"
    exit 1
  fi
fi
mkdir -p "$root/var/lib/dpkg/status.d" "$root/tmp" "$root/etc"
chmod 1777 "$root/tmp"
for package in *.deb; do
  name=$(dpkg-deb --field "$package" Package)
  if [ "$name" = base-files ]; then
    dpkg-deb --fsys-tarfile "$package" |
      tar --extract --directory="$root" ./etc/debian_version ./etc/os-release ./usr/lib/os-release
  else
    dpkg-deb --extract "$package" "$root"
  fi
  dpkg-deb --field "$package" > "$root/var/lib/dpkg/status.d/$name"
  echo "$name $(dpkg-deb --field "$package" Version)"
done
printf 'root:x:0:0:root:/root:/usr/sbin/nologin\napp:x:10001:10001::/app:/usr/sbin/nologin\n' > "$root/etc/passwd"
printf 'root:x:0:\napp:x:10001:\n' > "$root/etc/group"
rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" \
  "$root/usr/share/lintian" "$root/usr/share/bug" "$root/usr/share/menu" \
  "$root/usr/share/applications" "$root/usr/share/pixmaps" "$root/usr/share/binfmts" \
  "$root"/usr/lib/*/gconv "$root"/usr/lib/python3*/test "$root"/usr/lib/python3*/pydoc_data \
  "$root"/usr/lib/python3*/lib2to3 "$root"/usr/lib/python3*/idlelib "$root"/usr/lib/python3*/turtle* \
  "$root"/usr/bin/tini-static
# Of the C library: what is for debuggers and profilers, and the vector mathematics that only Fortran and -ffast-math call.
for library in c_malloc_debug memusage mvec pcprofile thread_db; do
  rm -f "$root"/lib/*/lib"$library".so*
done
