#!/usr/bin/env bash
# Measures one thing, both sides in the same run. The last line is one JSON object; bench/README.md explains it.
set -euo pipefail
cd "$(dirname "$0")"
# What needs a running region is in Load, what is mere computation in Benchmarks.
project=HealthCode.Load
case "${1:-}" in policy | records | restart) project=HealthCode.Benchmarks ;; esac
if ! build=$(dotnet build "bench/$project" -c Release --nologo -v quiet 2>&1); then
  echo "$build" >&2
  exit 1
fi
exec dotnet "bench/$project/bin/Release/net10.0/$project.dll" "$@"
