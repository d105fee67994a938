#!/usr/bin/env bash
# Builds everything and runs every test. Installs Debian's chromium, a Chinese font and PostgreSQL when they are missing.
# The last line is "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")"

if ! command -v chromium >/dev/null || ! fc-list :lang=zh 2>/dev/null | grep -q .; then
  echo "Installing chromium and a Chinese font for the browser tests"
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fontconfig) >/dev/null 2>&1 \
    || echo "They could not be installed: the browser tests will fail."
fi

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
  echo "Installing PostgreSQL for the storage tests, which start servers of their own"
  # The package would also make a server of the distribution's; nobody here needs it.
  mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/healthcode-tests.conf
  (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql) >/dev/null 2>&1 \
    || echo "It could not be installed: the tests on PostgreSQL will fail."
fi

passed=0
failed=0
if ! dotnet build HealthCode.slnx -c Release --nologo -v quiet; then
  echo "0 passed, 1 failed"
  exit 1
fi
# What one project may take; all of them together take half an hour at the most.
most=1500
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# Each project is a process group of its own, so that what it started ends with it, even when it did not end as it should.
set -m
for project in tests/*/*.csproj; do
  name=$(basename "$project" .csproj)
  echo "== $name"
  # Into a file and not a pipe: a pipe would be open for as long as anything that the tests started.
  timeout --kill-after=10 "$most" dotnet run --project "$project" -c Release --no-build -- --progress off --no-ansi --long-running 120 >"$said" 2>&1 &
  group=$!
  wait "$group"
  status=$?
  kill -KILL -- "-$group" 2>/dev/null
  p=$(sed -nE 's/^ *succeeded: ([0-9]+).*/\1/p' "$said" | tail -1)
  f=$(sed -nE 's/^ *failed: ([0-9]+).*/\1/p' "$said" | tail -1)
  # A project that died before its summary, or ran nothing, has failed, whatever it counted.
  if [ -z "$p" ] || { [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then f=$(( ${f:-0} + 1 )); fi
  [ "${f:-0}" -eq 0 ] || cat "$said"
  [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || echo "$name was ended: it had not finished after $most s."
  passed=$(( passed + ${p:-0} ))
  failed=$(( failed + ${f:-0} ))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
