# The table: a row for each check of each client. `name` is the client of the moment.

SECONDS_AT_MOST=300 UNSUPPORTED=4
passed=0 failed=0 skipped=0 rows=()

row() { # row CLIENT WHAT RESULT
    rows+=("$(printf '%-42s %-30s %s' "$1" "$2" "$3")")
    echo "    ${rows[-1]}"
}

check() { # check WHAT COMMAND...: COMMAND is a program or an exported function
    local what=$1 started=$SECONDS status
    shift
    timeout $SECONDS_AT_MOST bash -euo pipefail -c '"$@"' check "$@" >"$run/output" 2>&1
    status=$?
    case $status in
        0)
            passed=$((passed + 1))
            row "$name" "$what" "pass  $((SECONDS - started)) s"
            ;;
        $UNSUPPORTED) row "$name" "$what" "-     $(sed -n 's/^unsupported: //p' "$run/output" | tail -n 1)" ;;
        *)
            failed=$((failed + 1))
            row "$name" "$what" "FAIL  after $((SECONDS - started)) s, status $status: $*"
            echo "--- what it said last"
            tail -n 20 "$run/output"
            echo "--- what the server said last"
            tail -n 20 "$run/server.log"
            ;;
    esac
}

skip() { # skip CLIENT WHY
    skipped=$((skipped + 1))
    row "$1" "" "SKIP  $2"
}

print_table() {
    echo
    printf '%s\n' "${rows[@]}"
    echo
    echo "$passed passed, $failed failed, $skipped skipped"
}
