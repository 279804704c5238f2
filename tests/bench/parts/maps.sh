# Part maps of tests/bench/run, which sources it: many maps on one pair of databases.

idle_seconds=120 # three times the rhythm in which a thousand idle maps hear heartbeats

prepare_maps() {
    local database
    say "$maps maps"
    for database in erp crm; do
        sql "$database" "do \$\$ begin for i in 1 .. $maps loop execute format('create table many_%s (id int primary key, note text)', i); if i % 100 = 0 then commit; end if; end loop; end \$\$"
    done
    sql crm "create function many_rows(maps int) returns bigint language plpgsql as \$\$ declare rows bigint := 0; one bigint; begin
        for i in 1 .. maps loop execute format('select count(*) from many_%s', i) into one; rows := rows + one; end loop; return rows; end \$\$"
    mkdir "$dir/maps"
    jq -nc --argjson maps "$maps" 'range(1; $maps + 1) | "many_\(.)" as $name | { map: $name, version: "1.0.0", direction: "forward",
        source: { system: "erp", table: "public.\($name)", key: ["id"] }, target: { system: "crm", table: "public.\($name)", key: ["id"] },
        columns: [ { source: "id", target: "id" }, { source: "note", target: "note" } ] }' |
        awk -v dir="$dir/maps" '{ file = sprintf("%s/many_%04d.json", dir, NR); print >file; close(file) }'
}

# Making 4,000 partitions is the broker's work, and takes it most of a minute.
make_topics() {
    local name
    start producer producer
    for ((name = 0; name < 600; name++)); do
        [[ $(sql erp "select count(*) from pg_publication_tables where pubname = 'dualwrite_erp' and tablename like 'many\\_%'") != "$maps" ]] || break
        sleep 0.5
    done
    stop producer
}

in_force() { "$bin/dualwrite" status --json | jq '[.maps[] | select(.in_force and (.map | startswith("many_")))] | length'; }

# CPU ticks of a process so far.
ticks() { awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/${pids[$1]}/stat"; } # NAME

measure_maps() {
    local begun name before=()
    local -a names=(producer worker_1 worker_2 reconciler)
    prepare_maps
    for name in producer worker_1 worker_2; do stop "$name"; done
    begun=$(now)
    "$bin/dualwrite" map apply "$dir"/maps/*.json --start --no-sync >"$dir/apply.log" 2>&1 || die "map apply failed: $(tail -n 3 "$dir/apply.log")"
    note maps.applied "$(seconds_since "$begun")"
    make_topics
    begun=$(now)
    start producer producer
    start consumer worker_1
    start consumer worker_2
    while (($(in_force) < maps)); do
        (($(now) - begun < 600000000)) || die "only $(in_force) of $maps maps run"
        sleep 0.5
    done
    note maps.ours "$(seconds_since "$begun")"
    sql erp "do \$\$ begin for i in 1 .. $maps loop execute format('insert into many_%s values (1, ''row'')', i); end loop; end \$\$"
    wait_sql crm 60 "many_rows($maps) = $maps"
    sleep 15
    for name in "${names[@]}"; do before+=("$(ticks "$name")"); done
    sleep "$idle_seconds"
    for name in "${names[@]}"; do
        note "maps.idle_$name" "$(awk -v after="$(ticks "$name")" -v before="${before[0]}" -v seconds="$idle_seconds" 'BEGIN { printf "%.2f", (after - before) / seconds }')"
        before=("${before[@]:1}")
    done
}

print_maps() {
    [[ ! $peer_only ]] || return 0
    printf '| %d maps: from the start of producer and workers until all run | - | %.0f s | | ≤ 60 s |\n' "$maps" "$(median maps.ours)"
    awk -v producer="$(median maps.idle_producer)" -v one="$(median maps.idle_worker_1)" -v two="$(median maps.idle_worker_2)" -v reconciler="$(median maps.idle_reconciler)" -v maps="$maps" 'BEGIN {
        printf "| %d idle maps, of one core: producer; workers 1 and 2; reconciler; all | - | %.1f; %.1f and %.1f; %.1f; %.1f %% | | ≤ 5 %% |\n",
            maps, producer, one, two, reconciler, producer + one + two + reconciler }'
}

print_maps_method() {
    cat <<END
- Maps: applied while neither producer nor worker runs, their topics made; from the start of the processes until the status calls each
  map in force; a row of each has to arrive then. After 15 s, the processes' CPU time over $idle_seconds s in which nothing but
  heartbeats comes. The broker has a heap of 1.5 GB for it.
END
}
