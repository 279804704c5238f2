# Part large of tests/bench/run, which sources it: an initial sync of many rows, and that memory stays flat in it.

# Resident sizes once a second, as "NAME KIB".
sample_memory() {
    local name
    while sleep 1; do
        for name in producer worker_1 worker_2; do
            awk -v name="$name" '/^VmRSS/ { print name, $2 }' "/proc/${pids[$name]}/status"
        done
    done >"$dir/resident" 2>/dev/null
}

measure_large() {
    prepare_copy large "$large"
    copy_peer large large "$large"
    [[ ! $peer_only ]] || return 0
    sql native 'truncate large' # room on the disk
    sample_memory &
    pids[sampler]=$!
    copy_ours large large "$large"
    kill "${pids[sampler]}"
    wait "${pids[sampler]}" || true
    unset 'pids[sampler]'
}

# The largest sample of a process: in its first tenth, in all.
largest() { # NAME tenth|all
    awk -v name="$1" -v part="$2" '$1 == name { v[n++] = $2 } END {
        for (i = 0; i < n && (part == "all" || i * 10 < n || i == 0); i++) if (v[i] > max) max = v[i]; printf "%d", max / 1024 }' "$dir/resident"
}

print_large() {
    rate_line "initial sync of $large rows, two workers; native table sync" large '≥ 0.5' "$large"
    [[ ! $peer_only ]] || return 0
    printf '| memory in it, peak of the first tenth of the time, of all: producer; worker 1; worker 2 | - | %d, %d; %d, %d; %d, %d MiB | | flat, ≤ 64 MiB each |\n' \
        "$(largest producer tenth)" "$(largest producer all)" "$(largest worker_1 tenth)" "$(largest worker_1 all)" "$(largest worker_2 tenth)" "$(largest worker_2 all)"
}

print_large_method() {
    cat <<'END'
- Initial sync of many rows: as the other one, once, native table sync first; resident sizes (VmRSS) are looked at every second.
END
}
