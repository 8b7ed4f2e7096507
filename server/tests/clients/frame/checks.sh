# What is checked of each client, with the verbs of its program. Functions that `check` runs are exported: it runs them in a shell of their own.

PARTITIONS=3
export PARTITIONS

before_the_crash() {
    local codec
    for codec in $CODECS; do
        if ! has_codec "$codec"; then
            row "$name" "$codec" "-     the client has no $codec"
            continue
        fi
        check "$RECORDS keyed, $codec" created_and_produced "$codec"
        check "a group reads half, $codec" first_half "$codec"
    done
    check "administration" client admin "$bootstrap" "$topic-admin"
}

after_the_crash() {
    local codec
    for codec in $CODECS; do
        has_codec "$codec" && check "the rest after kill -9, $codec" second_half "$codec"
    done
}

client() { "$program" "$home" "$@"; }

has_codec() { case " $codecs " in *" $1 "*) ;; *) return 1 ;; esac }

created_and_produced() { # created_and_produced CODEC
    client create "$bootstrap" "$topic-$1" $PARTITIONS
    client produce "$bootstrap" "$topic-$1" "$run/keyed" "$1"
    stored_as "$topic-$1" "$1"
}

# stored_as TOPIC CODEC: a client may think that the server has not the codec, and say nothing. A few records may be of none: small
# batches that would have grown.
stored_as() {
    local id
    id=$("$chronik" topics describe "$1" --bootstrap-server "$bootstrap" | sed -n 's/.*(id \([^)]*\)).*/\1/p')
    "$chronik" log dump "$run/data" --partition "$id-0" --segments >"$run/batches"
    awk -v topic="$1" -v codec="$2" '
        / records .* bytes / {
            for (field = 2; $field != "records"; field++);
            all += $(field - 1)
            if (tolower($0) ~ " bytes " codec " ") as_said += $(field - 1)
        }
        END {if (as_said < 0.9 * all || !all) {print topic ": only " as_said + 0 " of " all + 0 " records are " codec; exit 1}}' "$run/batches"
}

first_half() { # first_half CODEC: one of two members leaves on the way
    rm -f "$run/$topic-$1.first" "$run/$topic-$1.second"
    client group "$bootstrap" "$topic-$1" "$topic-$1" "$run/$topic-$1.first" $((RECORDS / 2)) half
    committed_is "$1" "$(wc -l <"$run/$topic-$1.first")"
}

second_half() { # second_half CODEC: the group goes on where it was when the server was killed
    committed_is "$1" "$(wc -l <"$run/$topic-$1.first")"
    client group "$bootstrap" "$topic-$1" "$topic-$1" "$run/$topic-$1.second" $((RECORDS - $(wc -l <"$run/$topic-$1.first")))
    same_records "$run/keyed" "$run/$topic-$1.first" "$run/$topic-$1.second"
    committed_is "$1" "$RECORDS"
}

committed_is() { # committed_is CODEC COUNT
    local found
    found=$(client committed "$bootstrap" "$topic-$1" "$topic-$1")
    [ "$found" = "$2" ] || { echo "$topic-$1 has committed $found records; $2 were read"; return 1; }
}
export -f client created_and_produced stored_as first_half second_half committed_is
