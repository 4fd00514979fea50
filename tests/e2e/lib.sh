# shellcheck shell=bash
# Helpers of the end-to-end tests: machines as network namespaces inside one private world, TAP
# output. Source it first: the script starts itself again in mount and process namespaces of its
# own, so that nothing it makes can outlive it or meet what else runs on this machine.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WARREN=${WARREN:-$here/../../build-check/src/main/warren}

tap_n=0
ok() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1"; }
not_ok() { tap_n=$((tap_n + 1)); echo "not ok $tap_n - $1"; [ $# -lt 2 ] || printf '%s\n' "$2" | tail -n 15 | sed 's/^/# /'; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1 # SKIP $2"; }
# check NAME COMMAND...: passes when the command does; its output explains a failure.
check() {
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$* -> $out"; fi
}
# same NAME WANT GOT
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "wanted: $2"$'\n'"got:    $3"; fi; }
plan_done() { echo "1..$tap_n"; }
now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
# wait_for SECONDS COMMAND...: until it succeeds; fails when the time is over.
wait_for() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 0.05
	done
}

if [ -z "${E2E_INSIDE-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..1"; echo "ok 1 - $(basename "$0") # SKIP it takes root to make network namespaces"; exit 0; }
	[ -c /dev/net/tun ] || [ -d /sys/module/wireguard ] || { echo "1..1"; echo "ok 1 - $(basename "$0") # SKIP there is no /dev/net/tun"; exit 0; }
	E2E_INSIDE=1 exec unshare -m -p -f --mount-proc --propagation private --kill-child=KILL "$0" "$@"
fi
W=$(mktemp -d /tmp/warren-e2e.XXXXXX)
trap 'rm -rf "$W"' EXIT
mkdir -p /run/netns /run/wireguard
mount -t tmpfs tmpfs /run/netns
mount -t tmpfs tmpfs /run/wireguard
[ -e /etc/hosts ] || echo '127.0.0.1 localhost' >/etc/hosts # a bare Debian; agents would make it
cp /etc/hosts "$W/hosts" && mount --bind "$W/hosts" /etc/hosts
cp -L /etc/resolv.conf "$W/resolv.conf" 2>/dev/null || : >"$W/resolv.conf"
mount --bind "$W/resolv.conf" /etc/resolv.conf 2>/dev/null || true
# What wg-quick gives its DNS servers to; this machine's own would tell this machine's resolver.
mkdir "$W/bin"
cat >"$W/bin/resolvconf" <<'END'
#!/bin/bash
# -a NAME adds what stdin says, -d NAME takes it away, in the private /etc/resolv.conf.
case $1 in
-a) sed "s/$/ # $2/" >>/etc/resolv.conf ;;
-d) text=$(grep -v " # $2$" /etc/resolv.conf); printf '%s\n' "$text" >/etc/resolv.conf ;;
esac
END
chmod +x "$W/bin/resolvconf"
export PATH=$W/bin:$PATH
export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go WG_ENDPOINT_RESOLUTION_RETRIES=1 LOG_LEVEL=error
ulimit -c 0

# machine NAME...: a network namespace each, with loopback up.
machine() { local m; for m in "$@"; do ip netns add "$m" && ip -n "$m" link set lo up; done; }
on() { local m=$1; shift; ip netns exec "$m" "$@"; }
# wire A IFA ADDRA B IFB ADDRB: a cable between two machines.
wire() {
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	[ "$3" = - ] || ip -n "$1" addr add "$3" dev "$2"
	[ "$6" = - ] || ip -n "$4" addr add "$6" dev "$5"
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}
# plug MACHINE IF ADDR: a cable into the switch of the machine "wan".
plug() {
	wire "$1" "$2" "$3" wan "w-$1" -
	ip -n wan link set "w-$1" master br0
}
wan() { machine wan; ip -n wan link add br0 type bridge; ip -n wan link set br0 up; }
# start NAME COMMAND...: in the background, output to $W/NAME.log, pid in $W/NAME.pid.
start() {
	local name=$1
	shift
	"$@" >>"$W/$name.log" 2>&1 </dev/null &
	echo $! >"$W/$name.pid"
}
pid_of() { cat "$W/$1.pid"; }
stop() { # NAME [SIGNAL]: and wait until it is gone; who does not go within a minute is killed, and a failure
	local pid
	pid=$(pid_of "$1")
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	if ! wait_for 60 no_process "$pid"; then
		not_ok "$1 stops when told to"
		kill -KILL "$pid" 2>/dev/null
	fi
	wait "$pid" 2>/dev/null
	return 0
}
no_process() { ! kill -0 "$1" 2>/dev/null; }
# client_up MACHINE FILE: import a configuration as a standard client does.
client_up() { chmod 600 "$2"; on "$1" wg-quick up "$2" >>"$W/wg-quick.log" 2>&1; }
client_down() { on "$1" wg-quick down "$2" >>"$W/wg-quick.log" 2>&1; }
reaches() { on "$1" ping -c 1 -W "${3:-1}" -q "$2" >/dev/null 2>&1; }
