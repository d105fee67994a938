#!/usr/bin/env bash
# Builds, then runs healthcode. Without arguments: the demo city, on http://127.0.0.1:8080, with its data under ./data.
set -euo pipefail
cd "$(dirname "$0")"
if ! build=$(dotnet build src/HealthCode.Server -c Release --nologo -v quiet 2>&1); then
  echo "$build" >&2
  exit 1
fi
[ $# -gt 0 ] || set -- demo
exec dotnet src/HealthCode.Server/bin/Release/net10.0/healthcode.dll "$@"
