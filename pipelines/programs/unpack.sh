#!/bin/sh
# Download Debian packages and unpack them into an empty root: unpack.sh ROOT PACKAGE...
#
# No package's script runs, so the result is a function of the packages alone. What no program reads
# is left out: documentation, translations, character set converters, test suites. Each package leaves
# its metadata in var/lib/dpkg/status.d, which is how scanners learn what the image holds; they believe it
# only where the release is named too, hence those files of base-files, and nothing else of it.
set -eu

root=$1 again=$(dirname "$0")/again.sh
shift
downloads=$(mktemp -d)
cd "$downloads"
fetch() {
  "$again" apt-get download -qq -o Acquire::http::Timeout=30 -o APT::Sandbox::User=root "$@"
}
# The lists are days old when they come from a cache; what they name may have been replaced since.
set -- base-files "$@"
if ! fetch "$@"; then
  "$again" apt-get update -qq -o APT::Update::Error-Mode=any
  fetch "$@"
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
  "$root"/usr/lib/python3*/lib2to3 "$root"/usr/lib/python3*/idlelib "$root"/usr/lib/python3*/turtle*
