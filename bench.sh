#!/usr/bin/env bash
# Measures one thing, both sides in the same run. The last line is one JSON object; bench/README.md explains it.
set -euo pipefail
cd "$(dirname "$0")"
if ! build=$(dotnet build bench/HealthCode.Load -c Release --nologo -v quiet 2>&1); then
  echo "$build" >&2
  exit 1
fi
exec dotnet bench/HealthCode.Load/bin/Release/net10.0/HealthCode.Load.dll "$@"
