# The machines and users of the browser tests; sourced with script=NAME of the part that is run.
#
#   phone 192.0.2.11 ── switch ── 192.0.2.1 gw: control plane, agent, browser
source_root=$browser_dir/../..
if [ -z "${E2E_INSIDE-}" ]; then
	chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "1..1"; echo "ok 1 - $script # SKIP there is no chromium"; exit 0; }
	export CHROMIUM=$chromium
	. "$browser_dir/packages.sh"
fi
. "$browser_dir/../e2e/lib.sh" "$@"

wan
machine gw phone
plug gw eth0 192.0.2.1/24
plug phone eth0 192.0.2.11/24
ip -n gw route add default via 192.0.2.254
S=$W/state
warren() { on gw "$WARREN" "$@" --state "$S"; }
api_healthy() { on gw curl -sS -o /dev/null -f --unix-socket "$S/warren.sock" http://localhost/readyz; }
serve() { start serve ip netns exec gw "$WARREN" serve --state "$S"; wait_for 60 api_healthy; }
check "the control plane starts" serve
check "a network is made" warren network add default
warren token add --kind join --network default --roles gateway >"$W/token"
check "the gateway joins" on gw "$WARREN" agent join https://192.0.2.1:8444 --name "gw-one" --token-file "$W/token" --state "$S/agent"
start agent ip netns exec gw "$WARREN" agent run --state "$S/agent"
check "it gets its public address" warren node set gw-one --endpoint 192.0.2.1:51820
check "its interface comes up" wait_for 60 is_up warren0 on gw
password=$(warren user add ann --role org-admin)
check "an administrator is made" test -n "$password"
viewer=$(warren user add vera --role viewer)
check "a viewer is made" test -n "$viewer"

system=$(warren user add sam --role system-admin)
check "a system-admin is made" test -n "$system"
[ "$(type -t more_machines)" != function ] || more_machines

export W S WARREN
cp "$browser_dir"/*.mjs "$BROWSER_WORK/"
status=none
while IFS= read -r line; do
	case $line in
	'ok - '*) ok "${line#ok - }" ;;
	'not ok - '*) not_ok "${line#not ok - }" ;;
	'exit '*) status=${line#exit } ;;
	*) echo "$line" ;;
	esac
done < <(PASSWORD=$password VIEWER=$viewer SYSTEM=$system on gw node "$BROWSER_WORK/$script.mjs" 2>"$W/browser.log"; echo "exit $?")
[ -z "${PANEL_SHOTS-}" ] || { mkdir -p "$PANEL_SHOTS"; cp "$W"/*.png "$PANEL_SHOTS/" 2>/dev/null; }
if [ "$status" = 0 ] || [ "$status" = 3 ]; then ok "the browser script ran to its end"; else not_ok "the browser script ran to its end"; fi
[ "$status" = 0 ] || tail -n 30 "$W/browser.log" | sed 's/^/# /'
stop agent
stop serve
same "no sanitizer spoke" "" "$(grep -aE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$W"/*.log | head -n 5)"
plan_done
