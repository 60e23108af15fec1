# What is asked about the resumes that are armed for a job. Changes nothing.
# $0 how their names begin, $1 this text, $2 "deep" for what only a plan needs, $3 the properties of units that are wanted, the
# rest: units beside the timers.
# What stands before "end" is made of what the kernel prints as numbers, or of bytes in hex; what systemctl says follows it.
LC_ALL=C TZ=UTC
export LC_ALL TZ
name=$0 deep=$2 properties=$3
shift 3

printf 'me %s\n' "$(id -u)"
if { read -r l; } 2>/dev/null </proc/1/stat; then echo 'sees all'; else echo 'sees own'; fi
printf 'hz %s\n' "$(getconf CLK_TCK 2>/dev/null)"
if { read -r up l; } 2>/dev/null </proc/uptime; then printf 'up %s\n' "$up"; fi

# Our own command line holds the name, and early (old kernels show one page of it), so a search that works finds us.
works=0
for p in $(printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -lsF -e "$name" /dev/null | tr -dc '0-9\n' | head -n 200); do
    if [ "$p" = "$$" ]; then
        works=1
        continue
    fi
    # The name of a program may hold anything, a closing bracket too: what counts stands after the last one (proc_pid_stat(5)).
    s=
    { while IFS= read -r l || [ "$l" ]; do s="$s $l"; done; } 2>/dev/null <"/proc/$p/stat"
    case $s in *') '*) printf 's %s %s\n' "$p" "${s##*) }" ;; *) continue ;; esac
    grep -s '^Uid:' "/proc/$p/status"
    od -An -v -tx1 -N 2048 "/proc/$p/cmdline" 2>/dev/null
done
printf 'search %s\n' "$works"

# The test of sd_booted(3).
systemd=0
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then systemd=1; fi
printf 'systemd %s\n' "$systemd"
if [ "$deep" ]; then
    if [ "$systemd" = 1 ] && command -v systemd-run >/dev/null; then echo 'can timer'; fi
    if command -v setsid >/dev/null; then echo 'can watcher'; fi
    case $(busctl get-property org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager KillUserProcesses 2>/dev/null) in
    'b true') echo 'ends what stays' ;;
    esac
fi
echo end
if [ "$systemd" = 0 ] && [ $# = 0 ]; then exit 0; fi
# When a timer is due stands in the list by the wall clock, made of the monotonic one at this moment: less the same wall
# clock, whatever that says, it is in how long.
printf 'wall %s\n' "$(date +%s)"
systemctl list-timers --no-legend --no-pager -- "$name*.timer" 2>/dev/null | sed 's/^/next /'
# What they run; the services wait for that and are not active.
if [ "$deep" ]; then
    systemctl show --all --no-pager --property=Id,ExecStart,StandardInputData -- "$name*.service" 2>/dev/null | sed 's/^/does /'
fi
echo
exec systemctl show --no-pager --property="$properties" -- "$@" "$name*.timer"
