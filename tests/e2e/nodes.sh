# shellcheck shell=bash
# Machines that run an agent, for tests with several of them. Source it behind lib.sh.

# --- machines that run an agent -------------------------------------------------------------------
# Interfaces share their name, so each machine has its own /run/wireguard and /etc/hosts: a process
# that holds them keeps them over restarts of the agent.
declare -A holder
mesh_node() { # NAME ADDRESS
	machine "$1"
	plug "$1" eth0 "$2/24"
	cp /etc/hosts "$W/$1.hosts"
	ip netns exec "$1" unshare -m sh -c 'mount -t tmpfs tmpfs /run/wireguard && mount --bind "$1" /etc/hosts && : >"$2" && exec sleep infinity' sh "$W/$1.hosts" "$W/$1.held" </dev/null >/dev/null 2>&1 &
	holder[$1]=$!
	wait_for 30 test -e "$W/$1.held"
}
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
# all_pairs NODE...: each reaches each, both families; prints what does not.
all_pairs() {
	local a b
	local jobs=()
	rm -f "$W/unreached"
	for a in "$@"; do
		(
			for b in "$@"; do
				[ "$a" = "$b" ] && continue
				wait_for 8 pings "$a" "${ip4[$b]}" || echo "$a to $b (${ip4[$b]})" >>"$W/unreached"
				wait_for 8 pings "$a" "${ip6[$b]}" || echo "$a to $b (${ip6[$b]})" >>"$W/unreached"
			done
		) &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	[ ! -e "$W/unreached" ] || { cat "$W/unreached"; return 1; }
}

# --- steady traffic -------------------------------------------------------------------------------
steady() { rm -f "$W/steady-$1-$2.log"; start "steady-$1-$2" nsenter -t "${holder[$1]}" -n -m ping -D -O -i 0.02 -W 1 "${3:-${ip4[$2]}}"; wait_for 20 grep -qa 'bytes from' "$W/steady-$1-$2.log"; }
# lost A B: stops the ping and counts what was lost
lost() {
	sleep 0.1
	stop "steady-$1-$2" INT
	# what was still under way when it was stopped is not lost
	awk '/bytes from/ { n++; sub(/.*icmp_seq=/, ""); if ($1 + 0 > last) last = $1 + 0 }
		/packet loss/ { tail = $1 - last } END { print last - n + (tail > 5 ? tail : 0) }' "$W/steady-$1-$2.log"
}
# longest silence of a stopped ping, ms
silence() { grep -a 'bytes from' "$W/steady-$1-$2.log" | sed -E 's/^\[([0-9]+)\.([0-9]{3}).*/\1\2/' | awk 'NR > 1 && $1 - last > max { max = $1 - last } { last = $1 } END { print max + 0 }'; }

# --- the control plane, alone on hq (192.0.2.1) -----------------------------------------------------
headquarters() { wan; machine hq; plug hq eth0 192.0.2.1/24; }
S=$W/state
warren() { on hq "$WARREN" "$@" --state "$S"; }
healthy() { [ "$(on hq curl -sS -o /dev/null -w '%{http_code}' --unix-socket "$S/warren.sock" http://localhost/healthz)" = 200 ]; }
serve() { start serve ip netns exec hq "$WARREN" serve --state "$S" && wait_for 60 healthy; }
api() { on hq curl -sS --unix-socket "$S/warren.sock" -H 'Content-Type: application/json' -X "$1" ${3+--data-binary "$3"} "http://localhost/api/v1$2"; }
come() { enrol "$1" && agent "$1" && warren node set "$1" --endpoint "$(address_of "$1"):51820" && wait_for 60 in_node "$1" ip link show dev warren0 up; }
