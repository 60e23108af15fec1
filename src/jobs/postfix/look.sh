# What is asked of a Postfix about one of its valves. Changes nothing, and needs no privilege but to list the queue.
# $1 its configuration directory or nothing, $2 queue or network, $3 "sudo" where postqueue may go through it.
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
set -f
dir=$1 what=$2 sudo=$3 most=500 bytes=1000000
set --
if [ "$dir" ]; then set -- -c "$dir"; fi

printf 'uid %s\n' "$(id -u)"
for p in postconf postfix postsuper; do printf 'at %s %s\n' "$p" "$(command -v "$p")"; done
if ! q=$(postconf "$@" -x -h queue_directory 2>/dev/null) || [ ! "$q" ]; then
    printf 'fatal %s\nend\n' "$(postconf "$@" -x -h queue_directory 2>&1 | tr '\n' ' ')"
    exit
fi
conf=$(postconf "$@" -h config_directory 2>/dev/null)
# When each last became what it is. A file that is put in place keeps an older time of writing, but not of change.
for f in main.cf master.cf; do
    at=$(stat -c %.Z "$conf/$f" 2>/dev/null) || at=$(stat -c %Z "$conf/$f" 2>/dev/null)
    printf 'changed %s\n' "$at"
done
postconf "$@" -n header_checks defer_transports transport_maps master_service_disable 2>/dev/null | sed 's/^/set /'

# The master holds a lock on its pid file, which the kernel tells to anybody; the file itself is root's.
pid=$q/pid/master.pid master='' kids=''
if inode=$(stat -c %i "$pid" 2>/dev/null); then
    for p in $(awk -v i="$inode" '{ n = split($6, a, ":"); if ($2 != "->" && a[n] == i) print $5 }' /proc/locks 2>/dev/null); do
        if { read -r c; } 2>/dev/null <"/proc/$p/comm" && [ "$c" = master ]; then master=$p; fi
    done
    if [ "$master" ]; then
        printf 'master %s\n' "$master"
    elif [ ! -r /proc/locks ]; then
        echo 'master hidden'
    elif [ "$(awk -v i="$inode" '{ n = split($6, a, ":"); if (a[n] == i) { print "x"; exit } }' /proc/locks)" ]; then
        echo 'master hidden'
    else
        echo 'master none'
    fi
elif [ -x "$q/pid" ]; then
    echo 'master none'
else
    echo 'master hidden'
fi
# The name of a program may hold anything: what counts stands after the last bracket (proc_pid_stat(5)).
if [ "$master" ]; then
    set +f
    kids=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v m="$master" '
        {
            s = $0; sub(/^.*\) /, "", s); split(s, f, " ")
            if (f[2] != m) next
            c = $0; sub(/^[^(]*\(/, "", c); sub(/\).*$/, "", c)
            if (c ~ /^(smtpd|showq|anvil|bounce|postscreen|tlsproxy|tlsmgr|pickup|proxymap|scache|flush|verify|dnsblog|postlogd)$/) next
            if (n++ < 1000) print "child", $1, f[20], c
        }')
    set -f
    printf '%s\n' "$kids"
    printf '%s\n' "$kids" | awk 'NF > 3 { print "/proc/" $2 "/cmdline" }' | xargs head -v -c 200 /dev/null 2>/dev/null | tr '\0' ' '
    echo
fi
printf 'hz %s\n' "$(getconf CLK_TCK 2>/dev/null)"
now=$(date +%s.%N)
{ read -r up rest; } 2>/dev/null </proc/uptime
printf 'now %s %s\n' "$now" "$up"

# The first messages of the listing, which has those on hold at its end.
listing() {
    said=$({ { "$@" -j 2>&6; echo "listed $?" >&6; } | head -n "$most" | head -c "$bytes" >&4; } 6>&1)
} 4>&1
addresses() {
    a=${1#'['}
    a=${a%']'}
    case $a in
    '') ;;
    *:*) echo "$a" ;;
    *[!0-9.]*)
        # Of a name that is not found nothing is known: who listens there is not seen.
        found=$(getent ahosts "$a" | awk '{ print $1 }' | sort -u)
        printf '%s\n' "${found:-?$a}"
        ;;
    *) echo "$a" ;;
    esac
}
case $what in
network)
    for w in $(postconf "$@" -x -h inet_interfaces 2>/dev/null | tr ',' ' '); do
        case $w in
        all | loopback-only) printf 'face %s\n' "$w" ;;
        *) addresses "$w" | sed 's/^/face /' ;;
        esac
    done
    doors=$(postconf "$@" -M 2>/dev/null | awk '$2 == "inet" { print $1 }' | while read -r s; do
        host='' port=$s
        case $s in *:*) host=${s%:*} port=${s##*:} ;; esac
        case $port in
        *[!0-9]*)
            port=$(getent services "$port/tcp" | awk '{ print $2 }')
            port=${port%/*}
            ;;
        esac
        printf 'inet %s %s %s\n' "$s" "${port:-?}" "$(addresses "$host" | tr '\n' ',')"
    done)
    printf '%s\n' "$doors"
    ports=$(printf '%s\n' "$doors" | awk '$3 ~ /^[0-9]+$/ { printf " %04X ", $3 }')
    net=/proc/net
    if [ "$master" ] && [ -r "/proc/$master/net/tcp" ]; then net=/proc/$master/net; fi
    if cat "$net/tcp" "$net/tcp6" 2>/dev/null | awk -v ports="$ports" '
        { split($2, a, ":"); if (!index(ports, " " a[2] " ")) next }
        $4 == "0A" { print "listen", $2, $10 }
        $4 == "01" { open[$2]++ }
        END { for (l in open) print "open", l, open[l] }' && [ -r "$net/tcp" ]; then
        echo 'sockets seen'
    fi
    if [ "$master" ] && held=$(ls -l "/proc/$master/fd" 2>/dev/null); then
        printf 'holds %s\n' "$(printf '%s\n' "$held" | sed -n 's/.*socket:\[\([0-9]*\)\].*/\1/p' | tr '\n' ' ')"
    fi
    ;;
*)
    postconf "$@" -M 2>/dev/null | awk '$2 == "unix" { print "unix", $1 }'
    postconf "$@" -P '*/*/receive_override_options' '*/*/header_checks' 2>/dev/null | sed 's/^/over /'
    listing postqueue "$@"
    case $said in
    *'listed 0'* | *'listed 141'*) ;;
    *) if [ "$sudo" ]; then listing sudo -n postqueue "$@"; fi ;;
    esac
    printf '\n%s\n' "$said"
    ;;
esac
echo end
