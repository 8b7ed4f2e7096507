# Records to send, and the comparison of what comes back.

export RECORDS=${RECORDS:-100000} CODECS=${CODECS:-none gzip snappy lz4 zstd}

keyed_records() { # some keys many times, so that their order shows
    awk -v n="$RECORDS" 'BEGIN {srand(1); for (i = 0; i < n; i++) printf "key-%d\tvalue %d %s\n", rand() * 5000, i, rand()}'
}

same_records() { # same_records SENT GOT...: byte for byte; the order within a key must stay, that of the keys need not
    local sent=$1
    shift
    sort -s -t "$(printf '\t')" -k 1,1 "$sent" >"$run/sent.by-key"
    cat "$@" | sort -s -t "$(printf '\t')" -k 1,1 >"$run/got.by-key"
    cmp "$run/sent.by-key" "$run/got.by-key"
}
export -f same_records
