# What is asked of /proc about a process job. Changes nothing.
# $0 a word that its command line holds, $1 this text, $2 its pid file or nothing, $3 its user or nothing, $4 "deep" for what
# only a plan needs.
# Every line is made of what the kernel prints as numbers, or of bytes in hex, so that no name and no command line can
# pass for an answer.
LC_ALL=C
export LC_ALL
set -f
word=$0 file=$2 user=$3 deep=$4 most=256 roots='' tree=''

# The name of a program may hold anything, a closing bracket too: what counts stands after the last one (proc_pid_stat(5)).
stat_of() {
    s=
    { while IFS= read -r l || [ "$l" ]; do s="$s $l"; done; } 2>/dev/null <"/proc/$1/stat"
    case $s in *') '*) printf 's %s %s\n' "$1" "${s##*) }" ;; esac
}
hex() { od -An -v -tx1 -N "$1" "$2"; }

printf 'me %s %s\n' "$$" "$(id -u)"
stat_of "$$"
if { read -r l; } 2>/dev/null </proc/1/stat; then echo 'sees all'; else echo 'sees own'; fi
printf 'hz %s\n' "$(getconf CLK_TCK 2>/dev/null)"
printf 'boot %s\n' "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
if [ "$user" ]; then printf 'user %s\n' "$(id -u "$user" 2>/dev/null)"; fi

if [ "$file" ]; then
    if [ -e "$file" ] && [ ! -f "$file" ]; then
        echo 'file error it is not a regular file'
    elif said=$(hex 32 "$file" 2>&1); then
        printf 'file is\n%s\n' "$said"
        printf 'age %s %s\n' "$(date +%s)" "$(stat -c %Y "$file" 2>/dev/null)"
        read -r roots <"$file"
        case $roots in 0* | *[!0-9]*) roots= ;; esac
    else
        case $said in
        *'No such file'* | *'Not a directory'*) echo 'file none' ;;
        *) printf 'file error %s\n' "$(printf %s "$said" | tr '\n' ' ')" ;;
        esac
    fi
else
    # Our own command line holds the word, and early (old kernels show one page of it), so a search that works finds us.
    set +f
    found=$(printf '%s\n' /proc/[0-9]*/cmdline | xargs grep -lsF -e "$word" /dev/null | tr -dc '0-9\n')
    set -f
    works=0
    for p in $found; do
        case $p in
        "$$") works=1 ;;
        "$PPID") ;;
        *) if [ -d "/proc/$p" ]; then roots="$roots $p"; fi ;;
        esac
    done
    printf 'search %s\n' "$works"
fi

if [ "$roots" ]; then
    # `status` writes a name's line breaks as \n, so its lines are what they seem.
    set +f
    all=$(printf '%s\n' /proc/[0-9]*/status | xargs grep -s '^PPid:' /dev/null | awk -F'[/:\t]+' -v q="$roots" -v me="$$" '
        { up[$3] = $6; kids[$6] = kids[$6] " " $3 }
        END {
            for (p = me; p in up && i++ < 99; p = up[p]) printf " %s", p
            printf "/"
            n = split(q, a, " ")
            for (i = 1; i <= n; i++) seen[a[i]] = 1
            for (i = 1; i <= n; i++) {
                printf " %s", a[i]
                m = split(kids[a[i]], c, " ")
                for (j = 1; j <= m; j++) if (!(c[j] in seen)) { seen[c[j]] = 1; a[++n] = c[j] }
            }
        }')
    set -f
    case $all in */*) ;; *) echo 'no tree' ;; esac
    printf 'mine%s\n' "${all%%/*}"
    tree=${all#*/}
fi

# shellcheck disable=SC2086
set -- $tree
if [ $# -gt "$most" ]; then
    printf 'many %s\n' "$#"
    tree=
fi
files=
for p in $tree; do
    files="$files /proc/$p/status"
    stat_of "$p"
    printf 'c %s\n' "$p"
    hex 8192 "/proc/$p/cmdline" 2>/dev/null
done
if [ "$tree" ]; then
    # shellcheck disable=SC2086
    grep -sE '^(Uid|SigPnd|ShdPnd):' /dev/null $files
fi

locks= owned=
if [ "$deep" ] && [ "$tree" ]; then
    # shellcheck disable=SC2086
    for u in $(cat $files 2>/dev/null | awk '/^Uid:/ { print $3 }' | sort -u | head -n 8); do
        printf 'n %s %s\n' "$u" "$(id -un "$u" 2>/dev/null)"
    done
    open=
    for p in $tree; do
        if ! kill -0 "$p" 2>/dev/null && [ -d "/proc/$p" ]; then printf 'denied %s\n' "$p"; fi
        set +f
        set -- "/proc/$p/fdinfo/"*
        set -f
        if [ ! -r "/proc/$p/fdinfo" ] || { [ -e "$1" ] && ! { read -r l; } 2>/dev/null <"$1"; }; then
            printf 'blind %s\n' "$p"
        else
            open="$open $p"
        fi
    done
    # A lock that was inherited is in nobody's name but that of the process which took it: only its file tells.
    set +f
    locks=$(for p in $open; do printf '%s\n' "/proc/$p/fdinfo/"*; done | xargs grep -s '^lock:' /dev/null | head -n 64)
    set -f
    printf '%s\n' "$locks"
    for x in $(printf '%s\n' "$locks" | cut -d: -f1 | uniq); do
        p=${x#/proc/}
        printf 'a %s %s\n' "${p%%/*}" "${x##*/}"
        readlink "/proc/${p%%/*}/fd/${x##*/}" 2>/dev/null | hex 512 -
    done
    owned=$(printf '%s\n' "$locks" | awk 'NF > 2 { print $(NF - 2) }')
fi
if [ "$tree" ]; then
    # The holders among the tree, and who waits for a lock of theirs.
    awk -v tree=" $tree " -v owned="$owned" '
        BEGIN { n = split(owned, o); for (i = 1; i <= n; i++) theirs[o[i]] = 1 }
        {
            w = ($2 == "->"); ours = index(tree, " " $(5 + w) " ") > 0
            if (ours && !w) theirs[$(6 + w)] = 1
            line[NR] = $0; file[NR] = $(6 + w); waits[NR] = w; own[NR] = ours
        }
        END { for (i = 1; i <= NR && k < 200; i++) if (own[i] || (waits[i] && file[i] in theirs)) { print "l " line[i]; k++ } }
    ' /proc/locks 2>/dev/null || echo 'no locks'
fi
echo end
