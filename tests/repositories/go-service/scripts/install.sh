#!/bin/sh
# Installs crane, as `curl https://crane.acme.example/install.sh | sh` does.
set -e
version="${1:-latest}"
case "$version" in
  latest) url="https://crane.acme.example/latest/crane" ;;
  v*) url="https://crane.acme.example/$version/crane" ;;
esac
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
if ! curl -fsSL "$url" -o "$tmp"; then
  echo "don't know version $version" >&2
  exit 1
fi
install -m 755 "$tmp" "${PREFIX:-/usr/local}/bin/crane"
