# What only the tests of the panel need, beside the build tree, so that the sources stay clean;
# sourced with source_root set, leaves its folder in BROWSER_WORK.
export BROWSER_WORK=${BROWSER_WORK:-$source_root/build-check/browser}
mkdir -p "$BROWSER_WORK"
if ! cmp -s "$source_root/web/package-lock.json" "$BROWSER_WORK/installed"; then
	cp "$source_root"/web/{package.json,package-lock.json,.npmrc} "$BROWSER_WORK/"
	(cd "$BROWSER_WORK" && npm ci --no-progress) >"$BROWSER_WORK/npm.log" 2>&1 || { echo "1..1"; echo "not ok 1 - npm ci, see $BROWSER_WORK/npm.log"; tail -n 8 "$BROWSER_WORK/npm.log" | sed 's/^/# /'; exit 1; }
	cp "$source_root/web/package-lock.json" "$BROWSER_WORK/installed"
fi
