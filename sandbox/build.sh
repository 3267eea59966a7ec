#!/bin/sh
# Builds eci-sandbox, telling how far it is: go build itself says nothing for
# the ten minutes that Kubernetes takes.
#
#   build.sh OUTPUT LDFLAGS
set -eu
output=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
ldflags=$2
cd "$(dirname "$0")"

# The exit status of go build is lost in the pipe: this file says that it failed.
failed=$output.failed
rm -f "$failed"
{ CGO_ENABLED=0 "${GO:-go}" build -v -ldflags "$ldflags" -o "$output" ./cmd/eci-sandbox 2>&1 || touch "$failed"; } | {
	compiled=0
	while IFS= read -r line; do
		case $line in
		*[!A-Za-z0-9_./~-]*) printf '%s\n' "$line" ;; # not the path of a package: a message
		*)
			compiled=$((compiled + 1))
			if [ $((compiled % 200)) -eq 0 ]; then
				printf '    %d packages compiled of about 2500, now %s\n' "$compiled" "$line"
			fi
			;;
		esac
	done
}
if [ -e "$failed" ]; then
	rm -f "$failed"
	exit 1
fi
