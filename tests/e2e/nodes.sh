# shellcheck shell=bash
# Machines that run an agent, for tests with several of them. Source it behind lib.sh.

# --- machines that run an agent -------------------------------------------------------------------
# Interfaces share their name, so each machine has its own /run/wireguard and /etc/hosts: a process
# that holds them keeps them over restarts of the agent.
declare -A holder
held() { # NAME
	cp /etc/hosts "$W/$1.hosts"
	ip netns exec "$1" unshare -m sh -c 'mount -t tmpfs tmpfs /run/wireguard && mount --bind "$1" /etc/hosts && : >"$2" && exec sleep infinity' sh "$W/$1.hosts" "$W/$1.held" </dev/null >/dev/null 2>&1 &
	holder[$1]=$!
	wait_for 30 test -e "$W/$1.held"
}
mesh_node() { machine "$1"; plug "$1" eth0 "$2/24"; held "$1"; } # NAME ADDRESS
in_node() { local n=$1; shift; nsenter -t "${holder[$n]}" -n -m "$@"; }
agent() { start "agent-$1" nsenter -t "${holder[$1]}" -n -m "$WARREN" agent run --state "$W/$1"; }
enrol() { in_node "$1" "$WARREN" agent join https://192.0.2.1:8444 --name "$1" --token-file "$W/token" --state "$W/$1"; }
address_of() { echo "192.0.2.1${1#n}"; }
dump() { in_node "$1" wg show warren0 dump | tail -n +2; }
key_of() { in_node "$1" wg show warren0 public-key; }
has_peer() { in_node "$1" wg show warren0 peers | grep -qF "$2"; }
lacks_peer() { local peers; peers=$(in_node "$1" wg show warren0 peers) && ! grep -qF "$2" <<<"$peers"; }
pings() { in_node "$1" ping -c 1 -W "${3:-1}" -q "$2" >/dev/null 2>&1; }
# streams NAME: how many event streams its agent has opened, by its log; with NUMBER: more than so many? The control
# plane may hold on to a stream that has died, or whose agent has: what it calls connected can be a stream of before.
streams() { if [ $# = 1 ]; then grep -ac ' info  connected ' "$W/agent-$1.log" || true; else [ "$(streams "$1")" -gt "$2" ]; fi; }

declare -A ip4 ip6
learn() { # NAME: its mesh addresses
	local member
	member=$(warren node show "$1" --json | jq -c '.members[0]')
	ip4[$1]=$(jq -r '.ipv4 // "" | sub("/.*"; "")' <<<"$member")
	ip6[$1]=$(jq -r '.ipv6 // "" | sub("/.*"; "")' <<<"$member")
}
# all_pairs NODE...: each reaches each, both families; prints what does not. Two handshakes that cross are both
# void, and tried again after 5 s, when they may cross once more.
PAIR_LIMIT=30
all_pairs() {
	local a b
	local jobs=()
	rm -f "$W/unreached"
	for a in "$@"; do
		(
			for b in "$@"; do
				[ "$a" = "$b" ] && continue
				wait_for $PAIR_LIMIT pings "$a" "${ip4[$b]}" || echo "$a to $b (${ip4[$b]})" >>"$W/unreached"
				wait_for $PAIR_LIMIT pings "$a" "${ip6[$b]}" || echo "$a to $b (${ip6[$b]})" >>"$W/unreached"
			done
		) &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	[ ! -e "$W/unreached" ] || { cat "$W/unreached"; return 1; }
}

# --- steady traffic -------------------------------------------------------------------------------
# steady A B [ADDRESS [SECONDS]]: a ping each SECONDS
steady() { [ ! -e "$W/steady-$1-$2.log" ] || mv "$W/steady-$1-$2.log" "$W/steady-$1-$2.$(now_ms)"; start "steady-$1-$2" nsenter -t "${holder[$1]}" -n -m ping -D -O -i "${4:-0.02}" -W 1 "${3:-${ip4[$2]}}"; wait_for 30 grep -qa 'bytes from' "$W/steady-$1-$2.log"; }
# of_ping LOG UNTIL SINCE PROGRAM: awk that has answered[] for each packet answered, its number to UNTIL, and
# `later` when one was that was sent half a second after SINCE
of_ping() {
	awk -v until="$2" -v since="$3" '/bytes from/ && match($0, /icmp_seq=[0-9]+/) {
			seq = substr($0, RSTART + 9, RLENGTH - 9) + 0
			if (seq <= until && !(seq in answered)) { answered[seq]; n++ }
			if (match($0, /time=[0-9.]+/) && substr($1, 2) - substr($0, RSTART + 5, RLENGTH - 5) / 1000 > since + 0.5) later = 1
		}
		'"$4" "$1"
}
# lost A B: of the packets sent until now, how many are never answered. Those under way have time: until all have
# come, or one has that was sent half a second after them.
lost() {
	local log=$W/steady-$1-$2.log now=$EPOCHREALTIME sent
	sent=$(grep -ao 'icmp_seq=[0-9]*' "$log" | cut -d= -f2 | sort -n | tail -n 1)
	wait_for 20 of_ping "$log" "${sent:-0}" "$now" 'END { exit !(later || n == until) }'
	halt "$1" "$2"
	# nothing sent is nothing shown
	if [ "${sent:-0}" = 0 ]; then echo 999999; else of_ping "$log" "$sent" 0 'END { print until - n + 0 }'; fi
}
halt() { stop "steady-$1-$2" INT; }
# longest silence of a stopped ping, ms
silence() { grep -a 'bytes from' "$W/steady-$1-$2.log" | sed -E 's/^\[([0-9]+)\.([0-9]{3}).*/\1\2/' | awk 'NR > 1 && $1 - last > max { max = $1 - last } { last = $1 } END { print max + 0 }'; }

# --- the control plane, alone on hq (192.0.2.1) -----------------------------------------------------
headquarters() { wan; machine hq; plug hq eth0 192.0.2.1/24; }
S=$W/state
warren() { on hq "$WARREN" "$@" --state "$S"; }
healthy() { [ "$(on hq curl -sS -o /dev/null -w '%{http_code}' --unix-socket "$S/warren.sock" http://localhost/healthz)" = 200 ]; }
serve() { start serve ip netns exec hq "$WARREN" serve --state "$S" && wait_for 60 healthy; }
api() { on hq curl -sS --unix-socket "$S/warren.sock" -H 'Content-Type: application/json' -X "$1" ${3+--data-binary "$3"} "http://localhost/api/v1$2"; }
come() { enrol "$1" && agent "$1" && warren node set "$1" --endpoint "$(address_of "$1"):51820" && wait_for 60 is_up warren0 in_node "$1"; }
# What runs of it ends: only then sanitizers speak of leaks.
all_stop() {
	local f names=()
	for f in "$W"/agent-*.pid "$W/serve.pid"; do
		! kill -TERM "$(cat "$f")" 2>/dev/null || { f=${f##*/}; names+=("${f%.pid}"); }
	done
	for f in "${names[@]}"; do stop "$f"; done
}
